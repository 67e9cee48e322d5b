//! Running statements in UTC, so that times in their JSON do not depend on the caller's `TimeZone`.
//!
//! PostgREST sets `TimeZone` from the header `Prefer: timezone`, and frames are read by all viewers.

use std::ffi::CStr;

use pgrx::prelude::*;

use crate::postgres::error::Result;

/// Runs `work` with `TimeZone` UTC. Costs nothing where the session is in UTC already. When `work` raises,
/// Postgres puts the caller's zone back with the end of the (sub)transaction.
pub fn in_utc<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    if is_utc() {
        return work();
    }
    // SAFETY: a setting that every user may change, for a nest level that ends below.
    let level = unsafe {
        let level = pg_sys::NewGUCNestLevel();
        pg_sys::set_config_option(
            c"TimeZone".as_ptr(),
            c"UTC".as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_SAVE,
            true,
            0,
            false,
        );
        level
    };
    let result = work();
    // SAFETY: ends the level that was begun above.
    unsafe { pg_sys::AtEOXact_GUC(true, level) };
    result
}

fn is_utc() -> bool {
    // SAFETY: the zone of a session is always set, and its name lives as long as the server process.
    unsafe { CStr::from_ptr(pg_sys::pg_get_timezone_name(pg_sys::session_timezone)) == c"UTC" }
}
