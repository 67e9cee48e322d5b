//! The connections of the role that may become the API roles.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Object, Pool};
use deadpool_postgres::Runtime;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::{CancelToken, Config};

use super::connector::Connector;
use super::failure;
use super::kept::{Keeping, Kept};
use super::pooler::Pooler;
use crate::upstream::UpstreamError;

/// The rule of admission lets in as many calls as there are connections, so that this long a wait is for a
/// connection that is being closed.
const POOL_WAIT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A cancel request takes a connection of its own, and so long at most.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);

/// So many cancel requests are under way at the same time: each makes the server start a process.
const CANCELS: usize = 2;

/// The pool cannot be made; a bug, since it does not connect yet.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the connection pool")]
pub struct PoolSetupError(#[from] deadpool::managed::BuildError);

/// At most as many connections as the pool's size, made when they are needed first.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool<Keeping>,
    canceller: Arc<Canceller>,
}

/// Data that a server does not acknowledge for so long was sent to one that is gone.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// A transaction whose end was lost on the way would hold its locks until the server notices that the connection
/// is gone; and a statement for a client that is gone would run on. A call that writes may, whatever the database's default is.
/// Options of the connection string count.
const SESSION_OPTIONS: &str = "-c idle_in_transaction_session_timeout=10s \
    -c client_connection_check_interval=1s -c default_transaction_read_only=off";

/// Sets what every connection to the database has. A transaction pooler takes no options.
pub(super) fn prepare(database: &mut Config, pooler: Pooler) {
    database.application_name("edge_api");
    if database.get_connect_timeout().is_none() {
        database.connect_timeout(CONNECT_TIMEOUT);
    }
    if database.get_tcp_user_timeout().is_none() {
        database.tcp_user_timeout(UNACKNOWLEDGED);
    }
    if pooler == Pooler::None {
        let own = database.get_options().unwrap_or_default();
        let options = format!("{SESSION_OPTIONS} {own}");
        database.options(options.trim_end());
    }
}

impl Connections {
    pub(super) fn new(
        database: Config,
        connector: Connector,
        size: usize,
    ) -> Result<Self, PoolSetupError> {
        let manager = Keeping::new(database, connector.clone());
        let pool = Pool::builder(manager)
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(POOL_WAIT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .recycle_timeout(Some(CONNECT_TIMEOUT))
            .build()?;
        Ok(Self {
            pool,
            canceller: Arc::new(Canceller {
                connector,
                places: Arc::new(Semaphore::new(CANCELS)),
            }),
        })
    }

    /// A free connection, within [`POOL_WAIT`] and by the deadline: behind it nothing was asked.
    pub(super) async fn take(&self, deadline: Instant) -> Result<Connection, UpstreamError> {
        let taken = timeout_at(deadline, self.pool.get()).await;
        let taken = taken.map_err(|_| UpstreamError::OVERLOADED)?;
        let connection = taken.map_err(failure::of_pool)?;
        Ok(Connection {
            connection: Some(connection),
            canceller: self.canceller.clone(),
        })
    }
}

/// A connection that goes back to the pool only when its transaction is known to be over. Dropped before, it
/// is closed, and what it was about is cancelled: otherwise the server would work on, or wait for a lock, for
/// nobody. The server then has committed the transaction as a whole or rolls it back.
pub(super) struct Connection {
    connection: Option<Object<Keeping>>,
    canceller: Arc<Canceller>,
}

impl Connection {
    /// For the next request: its transaction is over.
    pub(super) fn give_back(mut self) {
        drop(self.connection.take());
    }

    /// For the next request, unused.
    pub(super) fn refuse<T>(self, error: UpstreamError) -> Result<T, UpstreamError> {
        self.give_back();
        Err(error)
    }
}

impl Deref for Connection {
    type Target = Kept;

    fn deref(&self) -> &Kept {
        self.connection
            .as_ref()
            .expect("only give_back empties it, and consumes it")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let closing = Closing(Some(connection));
        if closing.is_closed() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let Some(place) = self.canceller.place() else {
            return;
        };
        let canceller = self.canceller.clone();
        runtime.spawn(async move {
            canceller.cancel(&closing.cancel_token(), place).await;
            // Its place in the pool is free from here on.
            drop(closing);
        });
    }
}

/// Sends the requests to cancel, few at a time.
struct Canceller {
    connector: Connector,
    places: Arc<Semaphore>,
}

impl Canceller {
    /// A place that is free at once. Nobody waits for one: meanwhile the next call would wait for the connection's
    /// place in the pool, and the server finds out by itself that the client is gone.
    fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().ok()
    }

    async fn cancel(&self, token: &CancelToken, _place: OwnedSemaphorePermit) {
        let cancelled = timeout(CANCEL_TIMEOUT, self.connector.cancel(token)).await;
        if !matches!(cancelled, Ok(Ok(()))) {
            tracing::debug!("cannot cancel a query; its connection is closed all the same");
        }
    }
}

/// A connection that leaves the pool for good when this is dropped.
struct Closing(Option<Object<Keeping>>);

impl Deref for Closing {
    type Target = Kept;

    fn deref(&self) -> &Kept {
        self.0.as_ref().expect("only its drop empties it")
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::super::tls::Tls;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_waited_for_until_the_deadline_and_no_outage_when_none_is_free() {
        // It takes connections and never answers.
        let server = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = server.local_addr().expect("an address").port();
        let mut database = Config::new();
        database.host("127.0.0.1").port(port).user("a");
        let connector = Connector::new(Tls::DISABLED, &mut database);
        let connections = Connections::new(database, connector, 1).expect("a pool");
        let far = Instant::now() + Duration::from_secs(60);
        let (first, second, third) = tokio::join!(
            biased;
            connections.take(far),
            async {
                let begun = Instant::now();
                let taken = connections.take(begun + Duration::from_secs(1)).await;
                (taken.err(), begun.elapsed())
            },
            connections.take(far),
        );
        assert!(matches!(
            first.err(),
            Some(UpstreamError::Unavailable { .. })
        ));
        let overloaded = Some(UpstreamError::OVERLOADED);
        assert_eq!(second, (overloaded.clone(), Duration::from_secs(1)));
        assert_eq!(third.err(), overloaded);
    }

    #[test]
    fn who_finds_no_place_to_cancel_does_not_wait_for_one() {
        let canceller = Canceller {
            connector: Connector::new(Tls::DISABLED, &mut Config::new()),
            places: Arc::new(Semaphore::new(CANCELS)),
        };
        let places = [canceller.place(), canceller.place(), canceller.place()];
        assert_eq!(places.map(|place| place.is_some()), [true, true, false]);
    }
}
