//! Places for calls under way, as many as there are connections, and the queue for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use metrics::{Gauge, Histogram, gauge, histogram};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::super::UpstreamError;
use crate::metrics::{POOL_IN_USE, POOL_SIZE, POOL_WAIT, POOL_WAITING};

/// A call waits this long for a place when all are taken.
pub(super) const WAIT: Duration = Duration::from_secs(2);

/// So many calls wait for each connection at most: at a millisecond a call, the last of them still has its turn
/// soon, and what waits takes little memory.
const QUEUE_PER_CONNECTION: usize = 64;

/// Of pools smaller than the first of a pair fewer connections are kept for heartbeats.
const KEPT_FOR_HEARTBEATS: [(usize, usize); 2] = [(8, 2), (4, 1)];

pub(super) struct Slots {
    general: Places,
    kept: Places,
    metrics: Metrics,
}

/// Places of one kind with the queue for them: a heartbeat waits in both.
struct Places {
    size: usize,
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// Handles, so that no call looks one up.
struct Metrics {
    in_use: Gauge,
    waiting: Gauge,
    wait: Histogram,
}

/// A place, free again when this is dropped.
pub(super) struct Slot {
    _place: OwnedSemaphorePermit,
    in_use: Gauge,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.in_use.decrement(1);
    }
}

impl Slots {
    pub(super) fn new(connections: usize) -> Self {
        let kept_size = KEPT_FOR_HEARTBEATS
            .into_iter()
            .find_map(|(from, kept)| (connections >= from).then_some(kept))
            .unwrap_or_default();
        gauge!(POOL_SIZE).set(u32::try_from(connections).unwrap_or(u32::MAX));
        Self {
            general: Places::new(connections - kept_size),
            kept: Places::new(kept_size),
            metrics: Metrics {
                in_use: gauge!(POOL_IN_USE),
                waiting: gauge!(POOL_WAITING),
                wait: histogram!(POOL_WAIT),
            },
        }
    }

    pub(super) const fn kept_for_heartbeats(&self) -> usize {
        self.kept.size
    }

    pub(super) async fn take(&self, deadline: Instant) -> Result<Slot, UpstreamError> {
        self.take_of(&self.general, deadline).await
    }

    /// One that is kept for heartbeats.
    pub(super) async fn take_kept(&self, deadline: Instant) -> Result<Slot, UpstreamError> {
        self.take_of(&self.kept, deadline).await
    }

    async fn take_of(&self, places: &Places, deadline: Instant) -> Result<Slot, UpstreamError> {
        if let Ok(free) = places.free.clone().try_acquire_owned() {
            self.metrics.wait.record(0);
            return Ok(self.slot(free));
        }
        let waiting = Waiting::begin(&places.waiting, places.size * QUEUE_PER_CONNECTION)?;
        let _counted = Counted::begin(&self.metrics.waiting);
        let begun = Instant::now();
        let by = deadline.min(begun + WAIT);
        let free = timeout_at(by, places.free.clone().acquire_owned()).await;
        drop(waiting);
        self.metrics.wait.record(begun.elapsed());
        match free {
            Ok(Ok(free)) => Ok(self.slot(free)),
            // Closed it never is.
            Ok(Err(_)) | Err(_) => Err(UpstreamError::OVERLOADED),
        }
    }

    fn slot(&self, place: OwnedSemaphorePermit) -> Slot {
        self.metrics.in_use.increment(1);
        Slot {
            _place: place,
            in_use: self.metrics.in_use.clone(),
        }
    }
}

impl Places {
    fn new(size: usize) -> Self {
        Self {
            size,
            free: Arc::new(Semaphore::new(size)),
            waiting: AtomicUsize::new(0),
        }
    }
}

/// Counted in a gauge until this is dropped.
struct Counted<'a>(&'a Gauge);

impl<'a> Counted<'a> {
    fn begin(gauge: &'a Gauge) -> Self {
        gauge.increment(1);
        Self(gauge)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

/// One of a bounded number of calls that wait; it leaves the queue when this is dropped.
pub(super) struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    pub(super) fn begin(waiting: &'a AtomicUsize, most: usize) -> Result<Self, UpstreamError> {
        let position = waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Self(waiting);
        if position < most {
            Ok(waiting)
        } else {
            Err(UpstreamError::OVERLOADED)
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pools_keep_fewer_connections_for_heartbeats() {
        let kept = [1, 3, 4, 7, 8, 10, 100].map(|size| Slots::new(size).kept_for_heartbeats());
        assert_eq!(kept, [0, 0, 1, 1, 2, 2, 2]);
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_whoever_leaves_it_makes_room() {
        let slots = Slots::new(1);
        let by = Instant::now() + Duration::from_secs(3600);
        let slot = slots.take(by).await.expect("a free place");
        let mut queue: Vec<_> = (0..QUEUE_PER_CONNECTION)
            .map(|_| Box::pin(slots.take(by)))
            .collect();
        for waiting in &mut queue {
            assert!(is_pending(waiting.as_mut()).await);
        }
        let refused = slots.take(by).await.err();
        assert_eq!(refused, Some(UpstreamError::OVERLOADED));

        queue.pop();
        let mut last = Box::pin(slots.take(by));
        assert!(is_pending(last.as_mut()).await);
        drop(slot);
        assert!(
            !is_pending(queue[0].as_mut()).await,
            "first come, first served"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_waited_for_until_the_deadline_and_no_longer() {
        let slots = Slots::new(1);
        let begun = Instant::now();
        let _slot = slots.take(begun + WAIT).await.expect("a free place");
        for (deadline, wait) in [(1, 1), (60, 2)] {
            let begun = Instant::now();
            let refused = slots
                .take(begun + Duration::from_secs(deadline))
                .await
                .err();
            assert_eq!(refused, Some(UpstreamError::OVERLOADED));
            assert_eq!(begun.elapsed().as_secs(), wait);
        }
    }

    async fn is_pending<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> bool {
        let mut future = Some(future);
        std::future::poll_fn(|context| {
            let future = future.take().expect("polled once");
            std::task::Poll::Ready(future.poll(context).is_pending())
        })
        .await
    }
}
