//! The connections of the role that may become the API roles.

use std::ops::Deref;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio_postgres::{Config, NoTls};

use super::failure;
use crate::upstream::UpstreamError;

/// A request waits this long for a free connection before it is refused as `upstream_unavailable`.
const POOL_WAIT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The pool cannot be made; a bug, since it does not connect yet.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the connection pool")]
pub struct PoolSetupError(#[from] deadpool_postgres::BuildError);

/// At most as many connections as the pool's size, made when they are needed first.
#[derive(Clone)]
pub(super) struct Connections(Pool);

impl Connections {
    pub(super) fn new(mut database: Config, size: usize) -> Result<Self, PoolSetupError> {
        database.application_name("edge_api");
        if database.get_connect_timeout().is_none() {
            database.connect_timeout(CONNECT_TIMEOUT);
        }
        // Without a test query: a connection that died idle is seen as closed, one that dies later
        // is answered with `upstream_unavailable`.
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let pool = Pool::builder(Manager::from_config(database, NoTls, recycling))
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(POOL_WAIT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .recycle_timeout(Some(CONNECT_TIMEOUT))
            .build()?;
        Ok(Self(pool))
    }

    /// A free connection, within [`POOL_WAIT`].
    pub(super) async fn take(&self) -> Result<Connection, UpstreamError> {
        let connection = self.0.get().await.map_err(failure::of_pool)?;
        Ok(Connection(Some(connection)))
    }
}

/// A connection that goes back to the pool only when its transaction is known to be over. A request
/// that is cut off in between (the client left, the deadline passed) closes it instead: the server
/// finishes what was sent, commits it as a whole or rolls it back, and nobody waits behind it.
pub(super) struct Connection(Option<Object>);

impl Connection {
    /// For the next request: its transaction is over.
    pub(super) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Deref for Connection {
    type Target = Object;

    fn deref(&self) -> &Object {
        self.0
            .as_ref()
            .expect("only give_back empties it, and consumes it")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}
