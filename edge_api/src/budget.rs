//! Bytes that may be held at one time, shared by all requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of bytes of which each holder takes a share.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    taken: AtomicUsize,
}

/// Bytes taken out of a budget; dropping it gives them back.
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    pub fn new(limit: usize) -> Arc<Self> {
        let taken = AtomicUsize::new(0);
        Arc::new(Self { limit, taken })
    }

    /// None: together with what is taken it would be more than `part` of the budget, in quarters.
    pub fn try_take(self: &Arc<Self>, bytes: usize, quarters: usize) -> Option<Share> {
        let limit = self.limit / 4 * quarters;
        let add = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= limit);
        let order = Ordering::Relaxed;
        self.taken.fetch_update(order, order, add).ok()?;
        Some(self.share(bytes))
    }

    /// Takes a share even beyond the limit.
    pub fn take(self: &Arc<Self>, bytes: usize) -> Share {
        self.taken.fetch_add(bytes, Ordering::Relaxed);
        self.share(bytes)
    }

    /// The bytes that are taken now.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    pub fn is_exhausted(&self) -> bool {
        self.taken() >= self.limit
    }

    fn share(self: &Arc<Self>, bytes: usize) -> Share {
        Share {
            budget: self.clone(),
            bytes,
        }
    }
}

impl Share {
    /// Joins another share of the same budget to this one.
    pub fn absorb(&mut self, mut other: Self) {
        debug_assert!(Arc::ptr_eq(&self.budget, &other.budget));
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_refused_beyond_its_part_and_given_back_when_dropped() {
        let budget = Budget::new(400);
        let large = budget.try_take(300, 3).expect("three quarters");
        assert!(budget.try_take(1, 3).is_none());
        let mut small = budget.try_take(60, 4).expect("of the last quarter");
        small.absorb(budget.try_take(40, 4).expect("the rest"));
        assert!(budget.is_exhausted());
        assert!(budget.try_take(1, 4).is_none());
        let beyond = budget.take(50);
        drop((large, small));
        assert_eq!(budget.taken(), 50);
        drop(beyond);
        assert_eq!(budget.taken(), 0);
        assert!(budget.try_take(usize::MAX, 4).is_none());
    }
}
