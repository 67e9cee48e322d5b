//! A TCP proxy that delays, truncates, cuts and resets connections at random.
//!
//! It stands between a service and whoever speaks to it, on either side. It is honest until a test gives it
//! [`Odds`]; the faults of a connection follow from the seed, the connection's number and the direction of the bytes,
//! and are decided for each piece that arrives.

mod chance;
mod relay;
mod shared;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::Result;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use self::chance::Odds;
use self::relay::Relay;
use self::shared::{Counts, Shared};

/// The numbers of faults that struck so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Struck {
    pub delayed: u64,
    pub truncated: u64,
    pub cut: u64,
    pub reset: u64,
}

/// A proxy in front of one address. Dropping it resets its connections and refuses new ones.
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl FaultProxy {
    /// Listens on a free port of loopback and passes on to `target`.
    pub async fn start(target: SocketAddr, seed: u64) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            seed,
            odds: Mutex::new(Odds::default()),
            counts: Counts::default(),
            held: watch::Sender::new(false),
            reset: watch::Sender::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, shared.clone()));
        Ok(Self {
            address,
            shared,
            _tasks: tasks,
        })
    }

    /// The address that stands for the target.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on these faults strike; `Odds::default()` is none.
    pub fn set_odds(&self, odds: Odds) {
        *self.shared.odds.lock().expect("no panic with the lock") = odds;
    }

    /// Leads new connections to another address, as after a restart of the target.
    pub fn set_target(&self, target: SocketAddr) {
        *self.shared.target.lock().expect("no panic with the lock") = target;
    }

    /// Holds back every byte, in both directions and of new connections too, without closing anything.
    pub fn hold(&self) {
        self.shared.held.send_replace(true);
    }

    /// Ends a [`hold`](Self::hold): what was held back arrives.
    pub fn release(&self) {
        self.shared.held.send_replace(false);
    }

    /// Resets every connection that is open now.
    pub fn reset_all(&self) {
        self.shared.reset.send_modify(|times| *times += 1);
    }

    /// The numbers of faults so far; a test that has none tested nothing.
    pub fn struck(&self) -> Struck {
        let counts = &self.shared.counts;
        let number = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Struck {
            delayed: number(&counts.delayed),
            truncated: number(&counts.truncated),
            cut: number(&counts.cut),
            reset: number(&counts.reset),
        }
    }
}

/// Owns the connections: they end with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A client that gave up already.
                let Ok((client, _)) = accepted else { continue };
                number += 1;
                let relay = Relay { number, shared: shared.clone() };
                connections.spawn(relay.run(client));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

#[cfg(test)]
mod tests;
