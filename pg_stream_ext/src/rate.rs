//! Limits of so many calls a minute, each kept as one time in a row.
//!
//! The time is the theoretical arrival time of GCRA ([`stream_core::rate`]): at most a minute ahead of the
//! clock, so that a minute's calls may come at once. It is judged by the moment and not by the transaction's
//! begin: a call that waited for the row's lock counts the calls that it waited for.

use pgrx::datum::TimestampWithTimeZone;
use stream_core::error::ErrorCode;
use stream_core::rate::Limit;

use crate::clock;
use crate::error::{Failure, Result};

/// How often one actor may do one thing.
#[derive(Clone, Copy)]
pub struct Rate(Limit);

/// What a limit says to one more call.
pub enum Verdict {
    /// The call may come; the time to note with it.
    Pass(TimestampWithTimeZone),
    /// Milliseconds until it may come, at least 1.
    Wait(u64),
}

impl Rate {
    /// From a column of `stream.config`.
    pub fn per_minute(count: i32) -> Self {
        Self(Limit::per_minute(count.unsigned_abs()))
    }

    /// `noted` is the time that the newest call left behind; null: there was none.
    pub fn judge(self, noted: Option<TimestampWithTimeZone>) -> Result<Verdict> {
        let now = clock::now()?.into_inner();
        let backlog_us = noted.map_or(0, |noted| noted.into_inner().saturating_sub(now));
        Ok(match self.0.take(backlog_us) {
            Ok(backlog_us) => Verdict::Pass(clock::from_microseconds(now + backlog_us)?),
            Err(wait_us) => Verdict::Wait(wait_us.div_ceil(1000)),
        })
    }

    /// The time to note, or the refusal.
    pub fn take(self, noted: Option<TimestampWithTimeZone>) -> Result<TimestampWithTimeZone> {
        match self.judge(noted)? {
            Verdict::Pass(tat) => Ok(tat),
            Verdict::Wait(wait_ms) => Err(Failure::retry_after(ErrorCode::RateLimited, wait_ms)),
        }
    }
}
