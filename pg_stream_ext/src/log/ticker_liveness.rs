//! Whether a ticker is alive that sends what is left to it, cached between looks at `stream.ticker`.

use std::cell::Cell;

use pgrx::datum::TimestampWithTimeZone;

use crate::postgres::error::Result;
use crate::postgres::spi::{self, column, statements};

statements! {
    SENDS_AT: Write []
        "select t.sends_at from stream.ticker as t";
}

/// How long after its last mark a ticker counts as alive, in microseconds.
const ALIVE_US: i64 = 2_000_000;

/// How long it counts as dead without another look, in microseconds. While it counts as alive there is no look
/// at all.
const DEAD_US: i64 = 500_000;

/// What the last look found, and when.
#[derive(Clone, Copy)]
struct Seen {
    looked_at: i64,
    sends_at: i64,
}

thread_local! {
    static LAST_SEEN: Cell<Option<Seen>> = const { Cell::new(None) };
}

/// Whether a ticker will send what is left over, and soon: with one that comes once a second, messages would
/// wait for that long.
pub fn is_ticker_alive(now: TimestampWithTimeZone) -> Result<bool> {
    let now = now.into_inner();
    let is_alive = |seen: Seen| now.abs_diff(seen.sends_at) <= ALIVE_US.unsigned_abs();
    if let Some(seen) = LAST_SEEN.get()
        && (is_alive(seen) || now.abs_diff(seen.looked_at) < DEAD_US.unsigned_abs())
    {
        return Ok(is_alive(seen));
    }
    let sends_at = spi::first(&SENDS_AT, &[], |row| {
        Ok(column::<TimestampWithTimeZone>(row, 1)?.into_inner())
    })?;
    let seen = Seen {
        looked_at: now,
        sends_at: sends_at.unwrap_or(i64::MIN),
    };
    LAST_SEEN.set(Some(seen));
    Ok(is_alive(seen))
}
