//! Rate limits, each kept as a single time.
//!
//! The generic cell rate algorithm (GCRA, ITU-T I.371, virtual scheduling): one time per actor is
//! all the state. Times are backlogs here, that is how far the theoretical arrival time lies ahead
//! of the clock, so that nothing depends on the clock's absolute time.

const MINUTE_US: i64 = 60_000_000;

/// A steady rate with room for a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    interval_us: i64,
    tolerance_us: i64,
}

impl RateLimit {
    /// One more every `interval_ms`, and up to `burst` at once after a silence. Numbers below 1
    /// count as 1.
    pub fn new(interval_ms: u32, burst: u32) -> Self {
        let interval_us = i64::from(interval_ms.max(1)) * 1000;
        Self {
            interval_us,
            tolerance_us: interval_us * i64::from(burst.max(1) - 1),
        }
    }

    /// So many a minute, and all of a minute's at once after a silence. A number below 1 counts as 1.
    pub fn per_minute(count: u32) -> Self {
        let interval_us = (MINUTE_US / i64::from(count.max(1))).max(1);
        Self {
            interval_us,
            tolerance_us: MINUTE_US - interval_us,
        }
    }

    /// The backlog after one more, or how many microseconds to wait for it. A backlog that no
    /// burst could have left is of a clock that was set back since, and counts as none: it would
    /// last until the clock is where it was.
    pub fn take(self, backlog_us: i64) -> Result<i64, u64> {
        let longest_us = self.tolerance_us + self.interval_us;
        let backlog_us = if (0..=longest_us).contains(&backlog_us) {
            backlog_us
        } else {
            0
        };
        if backlog_us > self.tolerance_us {
            return Err((backlog_us - self.tolerance_us).unsigned_abs());
        }
        Ok(backlog_us + self.interval_us)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use property_seed::config;

    #[test]
    fn a_burst_passes_at_once_and_one_more_waits_an_interval() {
        let limit = RateLimit::new(1000, 3);
        let mut backlog = 0;
        for _ in 0..3 {
            backlog = limit.take(backlog).expect("within the burst");
        }
        assert_eq!(limit.take(backlog), Err(1_000_000));
        assert_eq!(limit.take(backlog - 1_000_000), Ok(backlog));
    }

    #[test]
    fn a_burst_of_one_is_a_plain_interval() {
        let limit = RateLimit::new(200, 1);
        assert_eq!(limit.take(0), Ok(200_000));
        assert_eq!(limit.take(200_000), Err(200_000));
        assert_eq!(limit.take(1), Err(1));
    }

    #[test]
    fn a_minutes_worth_passes_at_once_and_one_more_waits_for_its_share_of_the_minute() {
        for count in [1, 7, 10, 1_000_000] {
            let limit = RateLimit::per_minute(count);
            let mut backlog = 0;
            for _ in 0..count {
                backlog = limit.take(backlog).expect("within the minute");
            }
            let wait_us = limit.take(backlog).expect_err("one more than the rate");
            assert!((1..=60_000_000 / u64::from(count)).contains(&wait_us));
            assert!(limit.take(backlog - 60_000_000 / i64::from(count)).is_ok());
        }
        assert_eq!(RateLimit::per_minute(0), RateLimit::per_minute(1));
    }

    #[test]
    fn a_clock_that_was_set_back_silences_nobody() {
        let limit = RateLimit::new(1000, 5);
        assert_eq!(limit.take(3_600_000_000), Ok(1_000_000));
    }

    #[test]
    fn a_clock_that_was_set_ahead_gives_no_more_than_a_burst() {
        assert_eq!(RateLimit::new(1000, 5).take(-3_600_000_000), Ok(1_000_000));
    }

    proptest! {
        #![proptest_config(config(512))]

        #[test]
        fn no_window_lets_more_through_than_its_rate_and_one_burst(
            interval_ms in 1_u32..2_000, burst in 1_u32..20,
            gaps in prop::collection::vec(0_i64..1_500_000, 1..200),
        ) {
            let limit = RateLimit::new(interval_ms, burst);
            let (mut now, mut arrival) = (0_i64, 0_i64);
            let mut passed = Vec::new();
            for gap in gaps {
                now += gap;
                match limit.take(arrival - now) {
                    Ok(backlog) => {
                        arrival = now + backlog;
                        passed.push(now);
                    }
                    Err(wait) => {
                        let wait = i64::try_from(wait).expect("a wait is small");
                        prop_assert!(wait > 0);
                        prop_assert!(limit.take(arrival - now - wait).is_ok(), "after the wait it passes");
                    }
                }
            }
            for (first, start) in passed.iter().enumerate() {
                for (last, end) in passed.iter().enumerate().skip(first) {
                    let room = i64::from(burst) + (end - start) / (i64::from(interval_ms) * 1000);
                    let count = i64::try_from(last - first + 1).expect("few");
                    prop_assert!(count <= room, "{count} in {} us", end - start);
                }
            }
        }
    }
}
