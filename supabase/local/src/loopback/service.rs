//! The state that all signalling sockets share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deadpool_postgres::Pool;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::loopback::rooms::Rooms;

/// A development machine has a handful.
const MAX_SOCKETS: usize = 512;

/// The state of the route.
pub struct Loopback {
    /// Logged in as `authenticator`.
    pub pool: Pool,
    rooms: Mutex<Rooms>,
    pub sockets: Arc<Semaphore>,
    pub stop: CancellationToken,
    pub tasks: TaskTracker,
}

impl Loopback {
    pub fn new(pool: Pool, stop: CancellationToken, tasks: TaskTracker) -> Self {
        Self {
            pool,
            rooms: Mutex::default(),
            sockets: Arc::new(Semaphore::new(MAX_SOCKETS)),
            stop,
            tasks,
        }
    }

    pub fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
