//! The server's time, refused where it cannot be right.
//!
//! Agora refuses tokens of a server whose clock is wrong, and nobody would see why.

use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;
use stream_core::agora::{ClockWrong, issue_time};
use stream_core::error::ErrorCode;

use crate::postgres::caller;
use crate::postgres::error::{Failure, Result, answer};

/// Unix seconds of 2000-01-01, where Postgres counts from.
const POSTGRES_EPOCH_S: i64 = 946_684_800;

/// Since 2000-01-01, as Postgres keeps a timestamp.
pub type Microseconds = i64;

pub const MICROSECONDS_PER_S: Microseconds = 1_000_000;

/// Raises `clock_wrong` when tokens cannot be minted for that reason; otherwise answers true.
#[pg_extern(stable)]
fn check_clock() -> bool {
    answer(caller::enter_as_owner().and_then(|()| now_s()));
    true
}

/// The moment, not the transaction's begin.
pub fn now() -> Result<TimestampWithTimeZone> {
    // SAFETY: reads the clock.
    from_microseconds(unsafe { pg_sys::GetCurrentTimestamp() })
}

/// Unix seconds, of the moment and not of the transaction's begin.
pub fn now_s() -> Result<u32> {
    let seconds = unix_s(now()?);
    issue_time(seconds).map_err(|ClockWrong| {
        Failure::with_hint(
            ErrorCode::ClockWrong,
            format!("the server's clock says {seconds} s since 1970: correct it"),
        )
    })
}

/// What SQL's now() answers.
pub fn transaction_start() -> Microseconds {
    // SAFETY: reads a variable of this backend.
    unsafe { pg_sys::GetCurrentTransactionStartTimestamp() }
}

/// What SQL's to_timestamp() answers.
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
