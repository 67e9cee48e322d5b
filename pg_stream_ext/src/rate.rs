//! Rate limits, each stored as one time in a row.
//!
//! The time is the theoretical arrival time of GCRA ([`stream_core::rate`]): at most a minute ahead of the
//! clock, so that a minute's calls may come at once. It is compared with the present moment and not with the
//! transaction's begin: a call that waited for the row's lock counts the calls that it waited for.

use pgrx::datum::TimestampWithTimeZone;
use stream_core::error::ErrorCode;
use stream_core::rate::RateLimit;

use crate::clock;
use crate::postgres::error::{Failure, Result};

/// The limit of one kind of call for one actor.
#[derive(Clone, Copy)]
pub struct Rate(RateLimit);

/// Whether one more call is within a limit.
pub enum Verdict {
    /// It is within the limit; the time to store for it.
    Pass(TimestampWithTimeZone),
    /// It is beyond the limit; the milliseconds to wait, at least 1.
    Wait(u64),
}

impl Rate {
    /// A limit a minute, from a column of `stream.config`.
    pub fn per_minute(count: i32) -> Self {
        Self(RateLimit::per_minute(count.unsigned_abs()))
    }

    pub fn of(limit: RateLimit) -> Self {
        Self(limit)
    }

    /// Checks one more call; `noted` is the stored time, null before the first call.
    pub fn judge(self, noted: Option<TimestampWithTimeZone>) -> Result<Verdict> {
        let now = clock::now()?;
        let backlog_us = noted.map_or(0, |noted| backlog_us(noted, now));
        Ok(match self.0.take(backlog_us) {
            Ok(backlog_us) => {
                Verdict::Pass(clock::from_microseconds(now.into_inner() + backlog_us)?)
            }
            Err(wait_us) => Verdict::Wait(wait_us.div_ceil(1000)),
        })
    }

    /// Returns the time to store, or refuses.
    pub fn take(self, noted: Option<TimestampWithTimeZone>) -> Result<TimestampWithTimeZone> {
        match self.judge(noted)? {
            Verdict::Pass(tat) => Ok(tat),
            Verdict::Wait(wait_ms) => Err(refusal(wait_ms)),
        }
    }
}

/// The time by which a rate limiter is ahead of the clock.
pub fn backlog_us(tat: TimestampWithTimeZone, now: TimestampWithTimeZone) -> i64 {
    tat.into_inner().saturating_sub(now.into_inner()).max(0)
}

/// Returns the backlog after one more call, or refuses; for callers that store several calls at once.
pub fn spend(limit: RateLimit, backlog_us: i64) -> Result<i64> {
    let spent = limit.take(backlog_us);
    spent.map_err(|wait_us| refusal(wait_us.div_ceil(1000)))
}

/// Milliseconds until one more call is within the limit.
pub fn wait_ms(limit: RateLimit, backlog_us: i64) -> u64 {
    limit
        .take(backlog_us)
        .map_or_else(|wait_us| wait_us.div_ceil(1000), |_| 0)
}

/// Milliseconds that slow mode still lasts after this time without a message; null: the user never wrote, or the last
/// message is dated ahead of a clock that was set back.
pub fn slow_mode_wait_ms(slow_mode_ms: i64, silent_ms: Option<i64>) -> u64 {
    let silent_ms = silent_ms.filter(|silent_ms| *silent_ms >= 0);
    silent_ms.map_or(0, |silent_ms| {
        (slow_mode_ms - silent_ms).max(0).unsigned_abs()
    })
}

fn refusal(wait_ms: u64) -> Failure {
    Failure::retry_after(ErrorCode::RateLimited, wait_ms)
}
