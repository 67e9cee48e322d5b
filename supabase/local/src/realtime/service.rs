//! The state of Realtime that sockets, the message stream and the partition keeper share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use deadpool_postgres::Pool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::jwt::TokenKey;
use crate::realtime::hub::Hub;

/// The hub of messages, and what it takes to check who may join a topic.
pub struct Realtime {
    pub hub: Hub,
    pub token_key: Arc<TokenKey>,
    /// Logged in as `realtime_gateway`.
    pub pool: Pool,
    pub stop: CancellationToken,
    pub tasks: TaskTracker,
    sockets_opened: AtomicU64,
}

impl Realtime {
    pub fn new(
        token_key: Arc<TokenKey>,
        pool: Pool,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            hub: Hub::new(),
            token_key,
            pool,
            stop,
            tasks,
            sockets_opened: AtomicU64::new(0),
        }
    }

    /// The number of a new socket.
    pub fn next_socket_id(&self) -> u64 {
        self.sockets_opened.fetch_add(1, Ordering::Relaxed)
    }
}
