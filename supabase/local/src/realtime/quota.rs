//! The limit of messages per second: counted as the real server counts, an average over at most twelve buckets of 5 s.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// The real server's bucket.
pub const BUCKET: Duration = Duration::from_secs(5);
const BUCKETS: usize = 12;

/// A limit; none: everything is counted and nothing refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub events_per_second: Option<u32>,
    /// 5 s on the real server.
    pub bucket: Duration,
}

/// The newest full buckets.
#[derive(Debug, Default)]
struct Buckets(VecDeque<u64>);

/// Counts every send once and every delivery once. Over the limit are all, whoever caused it, until the average is below it.
pub struct Quota {
    limit: watch::Sender<Limit>,
    buckets: Mutex<Buckets>,
    /// Messages since the newest full bucket.
    counted: AtomicU64,
    counted_in_all: AtomicU64,
    refused: AtomicU64,
    is_over: AtomicBool,
}

impl Buckets {
    /// Adds a full bucket and returns whether the average reaches the limit.
    fn add(&mut self, count: u64, limit: Limit) -> bool {
        self.0.push_front(count);
        self.0.truncate(BUCKETS);
        let Some(events_per_second) = limit.events_per_second else {
            return false;
        };
        let sum: u128 = self.0.iter().map(|&count| u128::from(count)).sum();
        // sum / (buckets * seconds) >= limit, in whole numbers.
        let window_ms = limit.bucket.as_millis() * self.0.len() as u128;
        sum * 1000 >= u128::from(events_per_second) * window_ms
    }
}

impl Quota {
    pub fn new(events_per_second: Option<u32>) -> Self {
        Self {
            limit: watch::Sender::new(Limit {
                events_per_second,
                bucket: BUCKET,
            }),
            buckets: Mutex::default(),
            counted: AtomicU64::new(0),
            counted_in_all: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    /// Counts messages; returns whether the limit is exceeded.
    pub fn count(&self, messages: u64) -> bool {
        self.counted.fetch_add(messages, Ordering::Relaxed);
        self.counted_in_all.fetch_add(messages, Ordering::Relaxed);
        self.is_over()
    }

    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Whether a row is over the limit and so dropped; counts those.
    pub fn refuses(&self) -> bool {
        let is_over = self.is_over();
        self.refused.fetch_add(is_over.into(), Ordering::Relaxed);
        is_over
    }

    /// Every row that was dropped since the start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Every message since the start.
    pub fn counted_in_all(&self) -> u64 {
        self.counted_in_all.load(Ordering::Relaxed)
    }

    /// Begins to count anew with another limit, as the real server does when a tenant's limits change.
    pub fn set_limit(&self, limit: Limit) {
        self.buckets().0.clear();
        self.counted.store(0, Ordering::Relaxed);
        self.is_over.store(false, Ordering::Relaxed);
        self.limit.send_replace(limit);
    }

    fn end_bucket(&self) {
        let limit = *self.limit.borrow();
        let is_over = self
            .buckets()
            .add(self.counted.swap(0, Ordering::Relaxed), limit);
        if is_over && !self.is_over.swap(is_over, Ordering::Relaxed) {
            warn!("more messages per second than the limit: rows of realtime.messages are dropped");
        }
        self.is_over.store(is_over, Ordering::Relaxed);
    }

    fn buckets(&self) -> std::sync::MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a bucket every 5 s until `stop`. As on the real server the first ends at once, empty.
pub async fn keep(quota: Arc<Quota>, stop: CancellationToken) {
    let mut limits = quota.limit.subscribe();
    loop {
        quota.end_bucket();
        let bucket = limits.borrow_and_update().bucket;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(bucket) => {}
            _ = limits.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit {
        events_per_second: Some(100),
        bucket: BUCKET,
    };

    #[test]
    fn a_burst_is_averaged_over_the_buckets_there_are() {
        let mut buckets = Buckets::default();
        assert!(!buckets.add(499, LIMIT));
        // (499 + 501) / 10 s is the limit, and reaching it is enough.
        assert!(buckets.add(501, LIMIT));
        assert!(!buckets.add(0, LIMIT));
    }

    #[test]
    fn a_burst_counts_for_a_minute_and_no_longer() {
        let mut buckets = Buckets::default();
        assert!(buckets.add(6_000, LIMIT));
        for _ in 1..BUCKETS {
            assert!(buckets.add(0, LIMIT));
        }
        assert!(!buckets.add(0, LIMIT));
    }

    #[test]
    fn without_a_limit_nothing_is_over_it() {
        let quota = Quota::new(None);
        assert!(!quota.count(1_000_000));
        quota.end_bucket();
        assert!(!quota.is_over());
        assert_eq!(quota.counted_in_all(), 1_000_000);
    }

    #[test]
    fn another_limit_begins_to_count_anew() {
        let quota = Quota::new(Some(1));
        quota.count(100);
        quota.end_bucket();
        assert!(quota.is_over());
        quota.set_limit(LIMIT);
        assert!(!quota.is_over());
        quota.count(499);
        quota.end_bucket();
        assert!(!quota.is_over());
    }
}
