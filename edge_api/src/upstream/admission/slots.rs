//! Places for calls under way, as many as there are connections, and the queue for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::super::UpstreamError;

/// A call waits this long for a place when all are taken.
pub(super) const WAIT: Duration = Duration::from_secs(2);

/// So many calls wait for each connection at most: at a millisecond a call, the last of them still has its turn
/// soon, and what waits takes little memory.
const QUEUE_PER_CONNECTION: usize = 64;

/// Of pools smaller than the first of a pair fewer connections are kept for heartbeats.
const KEPT_FOR_HEARTBEATS: [(usize, usize); 2] = [(8, 2), (4, 1)];

pub(super) struct Slots {
    general: Arc<Semaphore>,
    kept: Arc<Semaphore>,
    kept_size: usize,
    waiting: AtomicUsize,
    longest_queue: usize,
}

/// A place, free again when this is dropped.
pub(super) struct Slot(
    #[expect(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit,
);

impl Slots {
    pub(super) fn new(connections: usize) -> Self {
        let kept_size = KEPT_FOR_HEARTBEATS
            .into_iter()
            .find_map(|(from, kept)| (connections >= from).then_some(kept))
            .unwrap_or_default();
        Self {
            general: Arc::new(Semaphore::new(connections - kept_size)),
            kept: Arc::new(Semaphore::new(kept_size)),
            kept_size,
            waiting: AtomicUsize::new(0),
            longest_queue: connections * QUEUE_PER_CONNECTION,
        }
    }

    pub(super) const fn kept_for_heartbeats(&self) -> usize {
        self.kept_size
    }

    pub(super) async fn take(&self, deadline: Instant) -> Result<Slot, UpstreamError> {
        self.take_of(&self.general, deadline).await
    }

    /// One that is kept for heartbeats.
    pub(super) async fn take_kept(&self, deadline: Instant) -> Result<Slot, UpstreamError> {
        self.take_of(&self.kept, deadline).await
    }

    async fn take_of(
        &self,
        places: &Arc<Semaphore>,
        deadline: Instant,
    ) -> Result<Slot, UpstreamError> {
        if let Ok(free) = places.clone().try_acquire_owned() {
            return Ok(Slot(free));
        }
        let _waiting = Waiting::begin(&self.waiting, self.longest_queue)?;
        let by = deadline.min(Instant::now() + WAIT);
        match timeout_at(by, places.clone().acquire_owned()).await {
            Ok(Ok(free)) => Ok(Slot(free)),
            // Closed it never is.
            Ok(Err(_)) | Err(_) => Err(UpstreamError::OVERLOADED),
        }
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
