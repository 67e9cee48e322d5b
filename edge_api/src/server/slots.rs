//! Places of open connections: so many in all, and so many for each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use metrics::{Gauge, gauge};

use crate::client::counted_as;
use crate::lock::Lock;
use crate::memory;
use crate::metrics::CONNECTIONS;

/// The places of one server.
pub(super) struct Slots {
    max: usize,
    max_per_address: usize,
    open: Lock<Open>,
    gauge: Gauge,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    /// Addresses without a connection have no entry, so there are never more entries than connections.
    by_address: HashMap<IpAddr, usize>,
}

/// The limit that leaves no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    All,
    Address,
}

/// A place that is taken, until it is dropped.
pub(super) struct Slot {
    slots: Arc<Slots>,
    address: Option<IpAddr>,
}

impl Slots {
    pub(super) fn new(max: usize, max_per_address: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            max_per_address,
            open: Lock::default(),
            gauge: gauge!(CONNECTIONS),
        })
    }

    /// A place for a connection from `address`; none: it counts for no address.
    pub(super) fn take(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Slot, Full> {
        let address = address.map(counted_as);
        let mut open = self.open.lock();
        if open.all >= self.max {
            return Err(Full::All);
        }
        if let Some(address) = address {
            let of_address = open.by_address.entry(address).or_default();
            if *of_address >= self.max_per_address {
                return Err(Full::Address);
            }
            *of_address += 1;
        }
        open.all += 1;
        self.gauge.increment(1);
        memory::CONNECTIONS.opened();
        let slots = self.clone();
        Ok(Slot { slots, address })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.slots.open.lock();
        open.all -= 1;
        self.slots.gauge.decrement(1);
        memory::CONNECTIONS.closed();
        let Some(address) = self.address else { return };
        if let Some(of_address) = open.by_address.get_mut(&address) {
            *of_address -= 1;
            if *of_address == 0 {
                open.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    fn refusal(slots: &Arc<Slots>, from: &str) -> Option<Full> {
        slots.take(address(from)).err()
    }

    #[test]
    fn one_address_cannot_take_all_places_and_gives_them_back() {
        let slots = Slots::new(3, 2);
        let first = slots.take(address("192.0.2.1")).expect("free");
        let _second = slots.take(address("192.0.2.1")).expect("free");
        assert_eq!(refusal(&slots, "192.0.2.1"), Some(Full::Address));
        let _other = slots.take(address("192.0.2.2")).expect("free");
        assert_eq!(refusal(&slots, "192.0.2.3"), Some(Full::All));
        drop(first);
        assert_eq!(refusal(&slots, "192.0.2.1"), None);
    }

    #[test]
    fn each_connection_counts_for_the_memory_that_is_given_back() {
        let slots = Slots::new(100, 1);
        // Other tests of this process hold some beside these.
        let taken: Vec<_> = (0..100).map_while(|_| slots.take(None).ok()).collect();
        assert_eq!(taken.len(), 100);
        assert!(memory::CONNECTIONS.open() >= 100);
    }

    #[test]
    fn an_ipv6_customer_is_one_address_and_a_proxy_is_none() {
        let slots = Slots::new(10, 1);
        let one = slots.take(address("2001:db8::1")).expect("free");
        assert_eq!(refusal(&slots, "2001:db8::2"), Some(Full::Address));
        let proxied = [slots.take(None), slots.take(None)];
        assert!(proxied.iter().all(Result::is_ok));
        drop((one, proxied));
        let open = slots.open.lock();
        assert!(open.by_address.is_empty());
        assert_eq!(open.all, 0);
    }
}
