//! One limiter with a state for each key, whose memory is bounded.
//!
//! Keys are chosen by callers, so their number is not: a user may own a network of addresses. States that are as good as
//! new are removed regularly; while more than [`MAX_KEYS`] are left, all keys share a fixed number of states, which
//! limits strangers together and nobody less than before.

use std::hash::{BuildHasher, Hash, RandomState};

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

/// About 10 MB of states.
const MAX_KEYS: usize = 100_000;

/// States that strangers share while there are too many of them.
const SHARED_STATES: u64 = 4096;

/// How often states that are as good as new are removed, in checks: the walk over all states costs each check about a
/// hundred steps of it at most.
const CHECKS_BETWEEN_SHRINKS: usize = 1024;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key<K> {
    Own(K),
    Shared(u64),
}

type Limiter<K, C> = RateLimiter<K, DashMapStateStore<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// A rate for each key.
pub(super) struct KeyedLimit<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    limiter: Limiter<Key<K>, C>,
    clock: C,
    checks: AtomicUsize,
    is_crowded: AtomicBool,
    /// Of this process alone, so that nobody can choose whom to share a state with.
    hasher: RandomState,
}

impl<K: Hash + Eq + Clone> KeyedLimit<K> {
    pub(super) fn new(quota: Quota) -> Self {
        Self::with_clock(quota, DefaultClock::default())
    }
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> KeyedLimit<K, C> {
    fn with_clock(quota: Quota, clock: C) -> Self {
        Self {
            limiter: RateLimiter::new(quota, DashMapStateStore::default(), clock.clone()),
            clock,
            checks: AtomicUsize::new(0),
            is_crowded: AtomicBool::new(false),
            hasher: RandomState::new(),
        }
    }

    /// Counts one request; an error is the time after which the next one is let through.
    pub(super) fn check(&self, key: K) -> Result<(), Duration> {
        let checks = self.checks.fetch_add(1, Ordering::Relaxed);
        if checks % CHECKS_BETWEEN_SHRINKS == CHECKS_BETWEEN_SHRINKS - 1 {
            self.shrink();
        }
        let key = if self.is_crowded.load(Ordering::Relaxed) {
            Key::Shared(self.hasher.hash_one(key) % SHARED_STATES)
        } else {
            Key::Own(key)
        };
        let outcome = self.limiter.check_key(&key);
        outcome.map_err(|until| until.wait_time_from(self.clock.now()))
    }

    fn shrink(&self) {
        let before = self.limiter.len();
        self.limiter.retain_recent();
        let after = self.limiter.len();
        if after < before / 2 {
            self.limiter.shrink_to_fit();
        }
        self.is_crowded.store(after > MAX_KEYS, Ordering::Relaxed);
    }
}

impl<K: Hash + Eq + Clone, C: Clock> std::fmt::Debug for KeyedLimit<K, C> {
    /// Without the keys, which name users.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyedLimit({} keys)", self.limiter.len())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn limit(per_second: u32) -> (KeyedLimit<u64, FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let rate = NonZeroU32::new(per_second).expect("not 0");
        let limit = KeyedLimit::with_clock(Quota::per_second(rate), clock.clone());
        (limit, clock)
    }

    #[test]
    fn each_key_has_its_own_rate_and_is_told_how_long_to_wait() {
        let (limit, clock) = limit(2);
        for key in [1, 2] {
            assert_eq!([limit.check(key), limit.check(key)], [Ok(()), Ok(())]);
            let wait = limit.check(key).expect_err("the third in no time");
            assert_eq!(wait, Duration::from_millis(500));
        }
        clock.advance(Duration::from_millis(500));
        assert_eq!(limit.check(1), Ok(()));
        assert!(limit.check(1).is_err());
    }

    #[test]
    fn keys_that_are_not_heard_of_any_more_are_removed() {
        let (limit, clock) = limit(1);
        for key in 0..1000 {
            assert_eq!(limit.check(key), Ok(()));
        }
        assert_eq!(limit.limiter.len(), 1000);
        clock.advance(Duration::from_secs(5));
        for _ in 0..CHECKS_BETWEEN_SHRINKS {
            let _ = limit.check(0);
        }
        assert_eq!(limit.limiter.len(), 1);
    }

    #[test]
    fn a_flood_of_keys_has_bounded_memory_and_is_still_limited() {
        let (limit, clock) = limit(1);
        for key in 0..u64::try_from(2 * MAX_KEYS).expect("a number") {
            let _ = limit.check(key);
        }
        let bound = MAX_KEYS + CHECKS_BETWEEN_SHRINKS + usize::try_from(SHARED_STATES).expect("");
        assert!(limit.limiter.len() <= bound, "{}", limit.limiter.len());
        let refused = (0..10_000).filter(|key| limit.check(*key).is_err()).count();
        assert!(refused > 5_000, "{refused} of 10,000 strangers");
        clock.advance(Duration::from_secs(5));
        for _ in 0..CHECKS_BETWEEN_SHRINKS {
            let _ = limit.check(0);
        }
        assert_eq!(limit.check(1), Ok(()));
        assert!(limit.limiter.len() <= 3, "{}", limit.limiter.len());
    }
}
