//! What time is it, and can that be?
//!
//! Agora refuses tokens of a server whose clock is wrong, and nobody would see why.

use pgrx::prelude::*;
use stream_core::agora::{ClockInsane, issue_time};
use stream_core::error::ErrorCode;

use crate::caller;
use crate::error::{Failure, Result, answer};

/// Unix seconds of 2000-01-01, where Postgres counts from.
const POSTGRES_EPOCH_S: i64 = 946_684_800;

/// Raises `clock_insane` when tokens cannot be minted for that reason; otherwise answers true.
#[pg_extern(stable)]
fn check_clock() -> bool {
    answer(caller::enter_as_owner().and_then(|()| now_s()));
    true
}

/// Unix seconds, of the moment and not of the transaction's begin.
pub fn now_s() -> Result<u32> {
    // SAFETY: reads the clock.
    let seconds = unsafe { pg_sys::GetCurrentTimestamp() }.div_euclid(1_000_000) + POSTGRES_EPOCH_S;
    issue_time(seconds).map_err(|ClockInsane| {
        Failure::with_hint(
            ErrorCode::ClockInsane,
            format!("the server's clock says {seconds} s since 1970: correct it"),
        )
    })
}
