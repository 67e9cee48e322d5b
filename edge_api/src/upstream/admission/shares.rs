//! Shares: how many calls of one session may be under way at the same time.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::super::UpstreamError;
use super::slots::Waiting;

use crate::lock::Lock;

/// The same share for each key. A key without a call under way takes no memory.
pub(super) struct Shares<K: Copy + Eq + Hash>(Arc<Inner<K>>);

struct Inner<K> {
    size: usize,
    longest_queue: usize,
    gates: Lock<HashMap<K, Arc<Gate>>>,
}

struct Gate {
    share: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// A part of a key's share, free again when this is dropped.
pub(super) struct Share<K: Copy + Eq + Hash> {
    // Before the visit, which forgets a gate that nobody stands at.
    _permit: OwnedSemaphorePermit,
    _visit: Visit<K>,
}

/// Somebody who waits at a gate or has passed it.
struct Visit<K: Copy + Eq + Hash> {
    key: K,
    gate: Arc<Gate>,
    shares: Arc<Inner<K>>,
}

impl<K: Copy + Eq + Hash> Shares<K> {
    pub(super) fn new(size: usize, longest_queue: usize) -> Self {
        Self(Arc::new(Inner {
            size,
            longest_queue,
            gates: Lock::default(),
        }))
    }

    pub(super) fn size(&self) -> usize {
        self.0.size
    }

    /// Takes a part of the key's share, as soon as one is free until `by`.
    pub(super) async fn enter(&self, key: K, by: Instant) -> Result<Share<K>, UpstreamError> {
        let visit = self.visit(key);
        let share = &visit.gate.share;
        if let Ok(permit) = share.clone().try_acquire_owned() {
            return Ok(Share {
                _permit: permit,
                _visit: visit,
            });
        }
        let permit = {
            let _waiting = Waiting::begin(&visit.gate.waiting, self.0.longest_queue)?;
            timeout_at(by, share.clone().acquire_owned()).await
        };
        match permit {
            Ok(Ok(permit)) => Ok(Share {
                _permit: permit,
                _visit: visit,
            }),
            // Closed it never is.
            Ok(Err(_)) | Err(_) => Err(UpstreamError::OVERLOADED),
        }
    }

    fn visit(&self, key: K) -> Visit<K> {
        let gate = self
            .0
            .gates
            .lock()
            .entry(key)
            .or_insert_with(|| self.0.gate())
            .clone();
        Visit {
            key,
            gate,
            shares: self.0.clone(),
        }
    }

    #[cfg(test)]
    fn keys(&self) -> usize {
        self.0.gates.lock().len()
    }
}

impl<K> Inner<K> {
    fn gate(&self) -> Arc<Gate> {
        Arc::new(Gate {
            share: Arc::new(Semaphore::new(self.size)),
            waiting: AtomicUsize::new(0),
        })
    }
}

impl<K: Copy + Eq + Hash> Drop for Visit<K> {
    fn drop(&mut self) {
        // Clones are made under the lock alone: two are the map's and this one.
        if let Entry::Occupied(gate) = self.shares.gates.lock().entry(self.key)
            && Arc::strong_count(gate.get()) == 2
        {
            gate.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_share_is_one_keys_own_and_waited_for_until_the_given_time() {
        let shares = Shares::new(2, 8);
        let begun = Instant::now();
        let by = begun + Duration::from_millis(200);
        let first = shares.enter(1, by).await.expect("free");
        let _second = shares.enter(1, by).await.expect("free");
        let refused = shares.enter(1, by).await.err();
        assert_eq!(refused, Some(UpstreamError::OVERLOADED));
        assert_eq!(begun.elapsed().as_millis(), 200);
        shares.enter(2, by).await.expect("another key is free");

        drop(first);
        shares.enter(1, by).await.expect("free again");
    }

    #[tokio::test]
    async fn a_key_that_nobody_uses_is_forgotten() {
        let shares = Shares::new(1, 1);
        let by = Instant::now();
        let held = shares.enter(7, by).await.expect("free");
        assert!(shares.enter(7, by).await.is_err());
        assert_eq!(shares.keys(), 1);
        drop(held);
        assert_eq!(shares.keys(), 0);
    }

    #[tokio::test]
    async fn who_waits_for_one_key_is_bounded() {
        let shares = Shares::new(1, 1);
        let by = Instant::now() + Duration::from_secs(3600);
        let held = shares.enter(7, by).await.expect("free");
        let (waits, refused) = tokio::join!(
            biased;
            async { shares.enter(7, by).await.is_ok() },
            async {
                let refused = shares.enter(7, by).await.err();
                drop(held);
                refused
            },
        );
        assert_eq!((waits, refused), (true, Some(UpstreamError::OVERLOADED)));
    }
}
