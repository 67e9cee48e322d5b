//! Times and UUIDs as JSON texts without quotes, as Postgres's own JSON functions write them in UTC.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;

/// A time in UTC, whatever the session's `TimeZone` is.
pub fn time(time: TimestampWithTimeZone) -> String {
    const OFFSET_S: std::ffi::c_int = 0;
    // Longer than any time that Postgres writes: MAXDATELEN of the server is 128.
    let mut text: [std::ffi::c_char; 129] = [0; 129];
    // SAFETY: the server writes a terminated text of at most that length into the buffer.
    unsafe {
        pg_sys::JsonEncodeDateTime(
            text.as_mut_ptr(),
            pg_sys::Datum::from(time.into_inner()),
            pg_sys::TIMESTAMPTZOID,
            &OFFSET_S,
        );
        std::ffi::CStr::from_ptr(text.as_ptr())
            .to_string_lossy()
            .into_owned()
    }
}

/// A UUID; pgrx's own conversion takes ten times as long.
pub fn uuid(id: Uuid) -> String {
    uuid::Uuid::from_bytes(*id.as_bytes()).to_string()
}
