//! Clients that each send their next request when they have the answer to the last one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use stream_tests::bench;
use tokio::task::JoinSet;

use crate::connection::Connection;
use crate::rounds::{Round, Watched};

/// The end of a round: so many requests, or this time.
#[derive(Clone, Copy)]
pub struct Limit {
    pub requests: usize,
    pub within: Duration,
}

impl Limit {
    pub fn of(requests: usize) -> Self {
        Self {
            requests: bench::scaled(requests),
            within: Duration::from_secs(20),
        }
    }
}

/// The places of one round, each given out once.
#[derive(Clone)]
pub struct Places {
    next: Arc<AtomicUsize>,
    limit: Limit,
    begin: Instant,
}

impl Places {
    pub fn of(limit: Limit) -> Self {
        Self {
            next: Arc::default(),
            limit,
            begin: Instant::now(),
        }
    }

    /// The next place; none when the round is over.
    pub fn take(&self) -> Option<usize> {
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        (place < self.limit.requests && self.begin.elapsed() < self.limit.within).then_some(place)
    }
}

/// HTTP connections to one service, kept over the rounds.
pub struct Driver {
    idle: Vec<Connection>,
    watched: Watched,
    count: usize,
    address: String,
}

/// Writes the request of a place.
pub type WriteRequest = Arc<dyn Fn(usize, &mut Vec<u8>) + Send + Sync>;

impl Driver {
    pub fn new(address: &str, watched: Watched, connections: usize) -> Self {
        Self {
            idle: Vec::new(),
            watched,
            count: connections,
            address: address.to_owned(),
        }
    }

    /// One round on all connections at once.
    pub async fn round(&mut self, limit: Limit, write: &WriteRequest) -> Result<Round> {
        // Opened again: a service may close what was idle during the others' rounds.
        self.idle.clear();
        for _ in 0..self.count {
            self.idle.push(Connection::open(&self.address).await?);
        }
        let places = Places::of(limit);
        let mut clients = JoinSet::new();
        for mut connection in self.idle.drain(..) {
            let (places, write) = (places.clone(), Arc::clone(write));
            clients.spawn(async move {
                let (mut request, mut requests) = (Vec::with_capacity(2048), 0);
                while let Some(place) = places.take() {
                    request.clear();
                    write(place, &mut request);
                    let answer = connection.exchange(&request).await;
                    answer.context("the service under test")?;
                    requests += 1;
                }
                Ok(requests)
            });
        }
        self.watched.round(clients).await
    }
}
