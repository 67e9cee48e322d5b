//! The liveness of the ticker, read from `stream.ticker` and cached.

use std::cell::Cell;

use pgrx::datum::TimestampWithTimeZone;

use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};

statements! {
    SENDS_AT: Write [] -> TimestampWithTimeZone,
        "select t.sends_at from stream.ticker as t";
}

/// For so long after its last mark a ticker counts as alive, in microseconds.
const ALIVE_US: i64 = 2_000_000;

/// For so long it counts as dead before the table is read again, in microseconds. While it counts as alive the table
/// is not read at all.
const DEAD_US: i64 = 500_000;

/// The mark that was read last, and when.
#[derive(Clone, Copy)]
struct Seen {
    looked_at: i64,
    sends_at: i64,
}

thread_local! {
    static LAST_SEEN: Cell<Option<Seen>> = const { Cell::new(None) };
}

/// Whether a ticker is alive that sends unsent entries soon. One that ticks once a second does not count: messages
/// would wait that long.
pub fn is_ticker_alive(now: TimestampWithTimeZone) -> Result<bool> {
    let now = now.into_inner();
    let is_alive = |seen: Seen| now.abs_diff(seen.sends_at) <= ALIVE_US.unsigned_abs();
    if let Some(seen) = LAST_SEEN.get()
        && (is_alive(seen) || now.abs_diff(seen.looked_at) < DEAD_US.unsigned_abs())
    {
        return Ok(is_alive(seen));
    }
    let sends_at = spi::first(&SENDS_AT, &[])?;
    let seen = Seen {
        looked_at: now,
        sends_at: sends_at.map_or(i64::MIN, TimestampWithTimeZone::into_inner),
    };
    LAST_SEEN.set(Some(seen));
    Ok(is_alive(seen))
}
