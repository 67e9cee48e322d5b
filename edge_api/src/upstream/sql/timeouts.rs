//! The timeouts of a transaction, from the deadline of its call.

use std::time::Duration;

use stream_core::error::ErrorCode;
use tokio::time::Instant;

use crate::upstream::UpstreamError;

/// What Supabase gives to the role `authenticated`.
const LONGEST: Duration = Duration::from_secs(8);

/// A call that waits for a lock ends so much earlier than one that works, as a refusal which says why.
const LOCK_MARGIN: Duration = Duration::from_millis(500);

/// The `statement_timeout` of a session is a multiple of this: it is set anew only for a call that needs another one, and the
/// database still refuses a late call before the service cuts it off.
const STEP_MS: u32 = 250;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Timeouts {
    statement_ms: u32,
    lock_ms: u32,
}

impl Timeouts {
    /// For a statement that is sent now. Refused when there is less than a millisecond: a timeout of 0 is none.
    pub(super) fn until(deadline: Instant) -> Result<Self, UpstreamError> {
        Self::within(deadline.saturating_duration_since(Instant::now()))
    }

    fn within(left: Duration) -> Result<Self, UpstreamError> {
        let statement = left.min(LONGEST);
        // Of a short time half is for the lock.
        let lock = statement.saturating_sub(LOCK_MARGIN).max(statement / 2);
        let milliseconds = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        if milliseconds(statement) == 0 {
            return Err(UpstreamError::Refused {
                code: ErrorCode::StatementTimeout,
                retry_after_ms: None,
            });
        }
        Ok(Self {
            statement_ms: milliseconds(statement),
            lock_ms: milliseconds(lock).max(1),
        })
    }

    /// `statement_timeout` of a transaction, as a setting, whose unit is the millisecond.
    pub(super) fn statement(&self) -> String {
        self.statement_ms.to_string()
    }

    /// `lock_timeout` of a transaction.
    pub(super) fn lock(&self) -> String {
        self.lock_ms.to_string()
    }

    /// `statement_timeout` of a session in milliseconds: not less than that of the transaction.
    pub(super) fn of_session_ms(&self) -> u32 {
        self.statement_ms.next_multiple_of(STEP_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_waited_for_less_long_than_a_statement_may_take() {
        for (left_us, expected) in [
            (60_000_000, Some((8000, 7500))),
            (8_000_000, Some((8000, 7500))),
            (1_500_000, Some((1500, 1000))),
            (1_000_000, Some((1000, 500))),
            (900_000, Some((900, 450))),
            (1_000, Some((1, 1))),
            (999, None),
            (0, None),
        ] {
            let timeouts = Timeouts::within(Duration::from_micros(left_us)).ok();
            let found = timeouts.map(|timeouts| (timeouts.statement_ms, timeouts.lock_ms));
            assert_eq!(found, expected, "{left_us} us");
        }
    }

    #[test]
    fn a_session_has_the_next_step_of_a_timeout() {
        let steps = [60_000, 8_000, 7_999, 7_750, 1_000, 251, 250, 1].map(|left_ms| {
            let timeouts = Timeouts::within(Duration::from_millis(left_ms));
            timeouts.expect("time is left").of_session_ms()
        });
        assert_eq!(steps, [8_000, 8_000, 8_000, 7_750, 1_000, 500, 250, 250]);
    }
}
