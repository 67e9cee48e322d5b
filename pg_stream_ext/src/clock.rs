//! The server's time, checked for being plausible.
//!
//! Agora refuses tokens of a server whose clock is wrong, without a visible reason.

use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;
use stream_core::agora::{ClockWrong, issue_time};
use stream_core::error::ErrorCode;

use crate::postgres::caller;
use crate::postgres::error::{Failure, Result, or_raise};

/// Unix seconds of 2000-01-01, from which Postgres counts.
const POSTGRES_EPOCH_S: i64 = 946_684_800;

/// Microseconds since 2000-01-01, as Postgres stores a timestamp.
pub type Microseconds = i64;

pub const MICROSECONDS_PER_S: Microseconds = 1_000_000;

/// Raises `clock_wrong` when no token can be minted for that reason; otherwise returns true.
#[pg_extern(stable)]
fn check_clock() -> bool {
    or_raise(caller::enter_as_owner().and_then(|_| now_s()));
    true
}

/// The present moment, not the transaction's begin.
pub fn now() -> Result<TimestampWithTimeZone> {
    // SAFETY: reads the clock.
    from_microseconds(unsafe { pg_sys::GetCurrentTimestamp() })
}

/// The present moment in Unix seconds; refuses with `clock_wrong` when it cannot be right.
pub fn now_s() -> Result<u32> {
    let seconds = unix_s(now()?);
    issue_time(seconds).map_err(|ClockWrong| {
        Failure::with_hint(
            ErrorCode::ClockWrong,
            format!("the server's clock says {seconds} s since 1970: correct it"),
        )
    })
}

/// The begin of the transaction, as SQL's now().
pub fn transaction_start() -> Microseconds {
    // SAFETY: reads a variable of this backend.
    unsafe { pg_sys::GetCurrentTransactionStartTimestamp() }
}

/// The timestamp of Unix seconds, as SQL's to_timestamp().
pub fn timestamp(unix_s: i64) -> Result<TimestampWithTimeZone> {
    from_microseconds((unix_s - POSTGRES_EPOCH_S) * MICROSECONDS_PER_S)
}

pub fn from_microseconds(microseconds: Microseconds) -> Result<TimestampWithTimeZone> {
    TimestampWithTimeZone::try_from(microseconds)
        .map_err(|_| Failure::Row("a timestamp is out of range"))
}

/// Whole Unix seconds of a timestamp, rounded down.
pub fn unix_s(timestamp: TimestampWithTimeZone) -> i64 {
    Microseconds::from(timestamp).div_euclid(MICROSECONDS_PER_S) + POSTGRES_EPOCH_S
}
