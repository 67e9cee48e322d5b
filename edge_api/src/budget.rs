//! Bytes that may be held at one time, shared by all requests, and the part of them that one client may hold.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::lock::Lock;

/// Each client's part is at least this, the largest body of a route: of a small budget nothing that large would ever fit.
const LEAST_PART_BYTES: usize = 1 << 20;

/// The parts that a limit is stated in.
const EIGHTHS: usize = 8;

/// A number of bytes of which each holder takes a share.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    limit_of_client: usize,
    taken: Lock<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Clients that hold nothing have no entry, so there are never more entries than shares.
    by_client: HashMap<IpAddr, usize>,
}

/// Bytes taken out of a budget; dropping it gives them back.
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    client: Option<IpAddr>,
    bytes: usize,
}

impl Budget {
    /// Of which one client may hold one part in so many.
    pub fn new(limit: usize, clients: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            limit_of_client: (limit / clients).max(LEAST_PART_BYTES),
            taken: Lock::default(),
        })
    }

    /// None: together with what is taken it would be more than so many eighths of the budget, or more than the client's
    /// part. Without a client there is no such part.
    pub fn try_take(
        self: &Arc<Self>,
        bytes: usize,
        eighths: usize,
        client: Option<IpAddr>,
    ) -> Option<Share> {
        let mut taken = self.taken.lock();
        let all = taken.all.checked_add(bytes)?;
        let is_within = all <= self.part(eighths)
            && taken.of(client).saturating_add(bytes) <= self.limit_of_client;
        is_within.then(|| self.share(&mut taken, bytes, client))
    }

    /// Takes a share even beyond the limits.
    pub fn take(self: &Arc<Self>, bytes: usize, client: Option<IpAddr>) -> Share {
        self.share(&mut self.taken.lock(), bytes, client)
    }

    /// The bytes that are taken now.
    pub fn taken(&self) -> usize {
        self.taken.lock().all
    }

    /// Whether so many eighths are taken.
    pub fn is_exhausted(&self, eighths: usize) -> bool {
        self.taken() >= self.part(eighths)
    }

    /// Whether the client holds its part.
    pub fn is_exhausted_by(&self, client: Option<IpAddr>) -> bool {
        self.taken.lock().of(client) >= self.limit_of_client
    }

    fn part(&self, eighths: usize) -> usize {
        self.limit - self.limit / EIGHTHS * (EIGHTHS - eighths)
    }

    fn share(self: &Arc<Self>, taken: &mut Taken, bytes: usize, client: Option<IpAddr>) -> Share {
        taken.all += bytes;
        if let Some(client) = client {
            *taken.by_client.entry(client).or_default() += bytes;
        }
        Share {
            budget: self.clone(),
            client,
            bytes,
        }
    }
}

impl Taken {
    fn of(&self, client: Option<IpAddr>) -> usize {
        let bytes = client.and_then(|client| self.by_client.get(&client));
        bytes.copied().unwrap_or_default()
    }
}

impl Share {
    /// Joins another share of the same budget and client to this one.
    pub fn absorb(&mut self, mut other: Self) {
        debug_assert!(Arc::ptr_eq(&self.budget, &other.budget) && self.client == other.client);
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.budget.taken.lock();
        taken.all -= self.bytes;
        let Some(client) = self.client else { return };
        if let Some(of_client) = taken.by_client.get_mut(&client) {
            *of_client -= self.bytes;
            if *of_client == 0 {
                taken.by_client.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn a_share_is_refused_beyond_its_part_and_given_back_when_dropped() {
        let budget = Budget::new(400, 8);
        let large = budget.try_take(300, 6, None).expect("three quarters");
        assert!(budget.try_take(1, 6, None).is_none());
        assert!(budget.is_exhausted(6) && !budget.is_exhausted(7));
        let mut small = budget.try_take(60, 8, None).expect("of the last quarter");
        small.absorb(budget.try_take(40, 8, None).expect("the rest"));
        assert!(budget.is_exhausted(8));
        assert!(budget.try_take(1, 8, None).is_none());
        let beyond = budget.take(50, None);
        drop((large, small));
        assert_eq!(budget.taken(), 50);
        drop(beyond);
        assert_eq!(budget.taken(), 0);
        assert!(budget.try_take(usize::MAX, 8, None).is_none());
    }

    #[test]
    fn one_client_holds_its_part_and_leaves_the_rest_to_others() {
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().ok());
        let budget = Budget::new(16 * MIB, 8);
        let mut held = budget.try_take(MIB, 8, one).expect("half of its part");
        assert!(!budget.is_exhausted_by(one));
        held.absorb(budget.try_take(MIB, 8, one).expect("the other half"));
        assert!(budget.is_exhausted_by(one) && !budget.is_exhausted_by(other));
        assert!(budget.try_take(1, 8, one).is_none());
        let others = [other, None].map(|client| budget.try_take(2 * MIB, 8, client));
        assert!(others.iter().all(Option::is_some));
        let beyond = budget.take(1, one);
        drop(held);
        assert!(!budget.is_exhausted_by(one));
        drop((beyond, others));
        let taken = budget.taken.lock();
        assert!(taken.by_client.is_empty());
        assert_eq!(taken.all, 0);
    }

    #[test]
    fn a_client_of_a_small_budget_still_has_room_for_the_largest_body() {
        let client = "192.0.2.1".parse().ok();
        assert!(Budget::new(2 * MIB, 8).try_take(MIB, 8, client).is_some());
    }
}
