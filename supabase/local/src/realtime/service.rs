//! The state of Realtime that sockets, the message stream and the partition keeper share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool_postgres::Pool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::RealtimeConfig;
use crate::jwt::TokenKey;
use crate::realtime::faults::Faults;
use crate::realtime::hub::Hub;
use crate::realtime::quota::Quota;

/// Just under one look at the state of the stream, so that the first join after a start is ready at the second, as on the
/// real server.
const TENANT_CONNECTS_IN: Duration = Duration::from_millis(450);

/// The hub of messages, and what it takes to check who may join a topic.
pub struct Realtime {
    pub hub: Hub,
    pub quota: Arc<Quota>,
    pub faults: Faults,
    pub config: RealtimeConfig,
    pub token_key: Arc<TokenKey>,
    /// Logged in as `realtime_gateway`.
    pub pool: Pool,
    pub stop: CancellationToken,
    pub tasks: TaskTracker,
    sockets_opened: AtomicU64,
}

impl Realtime {
    pub fn new(
        config: RealtimeConfig,
        token_key: Arc<TokenKey>,
        pool: Pool,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            hub: Hub::new(),
            quota: Arc::new(Quota::new(config.events_per_second)),
            faults: Faults::new(),
            config,
            token_key,
            pool,
            stop,
            tasks,
            sockets_opened: AtomicU64::new(0),
        }
    }

    /// At the first join after a start: rows reach it and all others a moment later.
    pub fn connect_tenant(self: &Arc<Self>) {
        if !self.hub.begins_tenant() {
            return;
        }
        let realtime = self.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = realtime.stop.cancelled() => {}
                () = tokio::time::sleep(TENANT_CONNECTS_IN) => realtime.hub.tenant_is_connected(),
            }
        });
    }

    /// The number of a new socket.
    pub fn next_socket_id(&self) -> u64 {
        self.sockets_opened.fetch_add(1, Ordering::Relaxed)
    }
}
