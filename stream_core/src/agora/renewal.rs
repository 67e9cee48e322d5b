//! The time from which a token is to be replaced by a fresh one.
//!
//! Times are microseconds of one clock, since any epoch.

/// No token is renewed sooner after it was issued.
pub const MIN_AGE_US: i64 = 30_000_000;

/// The part of its life after which a token's user is told that it ends soon.
const WARNING_PERCENT: i64 = 85;

/// The times at which a token was issued and at which it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenTimes {
    pub issued_at_us: i64,
    pub expires_at_us: i64,
}

impl TokenTimes {
    /// True when at most a quarter of its life is left until `end_us`: its own end, or that of an older token
    /// which is still in use.
    pub const fn is_last_quarter_before(self, end_us: i64, now_us: i64) -> bool {
        let quarter_us = self.expires_at_us.saturating_sub(self.issued_at_us) / 4;
        end_us <= now_us.saturating_add(quarter_us)
    }

    /// True when a heartbeat brings the next one to somebody who holds a token until `held_until_us`. Nobody
    /// holds one that ends after the newest.
    pub const fn is_renewal_due(self, held_until_us: i64, now_us: i64) -> bool {
        let end_us = if held_until_us < self.expires_at_us {
            held_until_us
        } else {
            self.expires_at_us
        };
        self.is_last_quarter_before(end_us, now_us)
            && self.issued_at_us <= now_us.saturating_sub(MIN_AGE_US)
    }

    /// When its user is told that it ends soon: at 85 % of its life, well behind the renewal by heartbeat.
    pub const fn warning_at_us(self) -> i64 {
        let life_us = self.expires_at_us.saturating_sub(self.issued_at_us);
        self.expires_at_us
            .saturating_sub(life_us / 100 * (100 - WARNING_PERCENT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: TokenTimes = TokenTimes {
        issued_at_us: 0,
        expires_at_us: 3_600_000_000,
    };

    #[test]
    fn a_renewal_is_due_from_three_quarters_of_the_life_on() {
        let due = |now_us| HOUR.is_renewal_due(i64::MAX, now_us);
        assert!(!due(2_699_999_999));
        assert!(due(2_700_000_000));
        assert!(due(i64::MAX));
    }

    #[test]
    fn what_is_held_counts_when_it_ends_sooner_and_no_renewal_comes_within_thirty_seconds() {
        assert!(!HOUR.is_renewal_due(0, MIN_AGE_US - 1));
        assert!(HOUR.is_renewal_due(0, MIN_AGE_US));
        assert!(HOUR.is_renewal_due(i64::MIN, MIN_AGE_US));
        assert!(!HOUR.is_renewal_due(930_000_001, MIN_AGE_US));
        assert!(HOUR.is_renewal_due(930_000_000, MIN_AGE_US));
    }

    #[test]
    fn a_warning_comes_at_85_percent_of_the_life_behind_the_renewal() {
        assert_eq!(HOUR.warning_at_us(), 3_060_000_000);
        assert!(HOUR.is_renewal_due(i64::MAX, HOUR.warning_at_us()));
        let shortest = TokenTimes {
            issued_at_us: -60_000_000,
            expires_at_us: 0,
        };
        assert_eq!(shortest.warning_at_us(), -9_000_000);
    }

    #[test]
    fn times_at_the_ends_of_their_range_do_not_overflow() {
        let endless = TokenTimes {
            issued_at_us: i64::MIN,
            expires_at_us: i64::MAX,
        };
        assert!(endless.is_renewal_due(i64::MIN, i64::MAX));
        assert!(!endless.is_last_quarter_before(i64::MAX, 0));
    }
}
