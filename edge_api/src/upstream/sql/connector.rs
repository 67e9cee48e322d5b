//! Making connections to the database, in clear text or over TLS.

use std::pin::Pin;

use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{CancelToken, Client, Config, Error, NoTls, Socket};

use super::tls::Tls;
use crate::metrics::POOL_CONNECTS;

/// The way to make a connection, whoever it is for.
#[derive(Clone)]
pub(super) struct Connector(Tls);

impl Connector {
    /// Sets in `database` what the driver has to know of it.
    pub(super) fn new(tls: Tls, database: &mut Config) -> Self {
        let hosts = database.get_hosts();
        // As libpq: a socket of this machine has no TLS, whatever the mode.
        let is_local = !hosts.is_empty() && hosts.iter().all(|host| matches!(host, Host::Unix(_)));
        let tls = if is_local { Tls::DISABLED } else { tls };
        database.ssl_mode(tls.negotiation());
        debug_assert_eq!(tls.connect.is_none(), tls.negotiation() == SslMode::Disable);
        Self(tls)
    }

    /// The task reads and writes for the client, and ends when either the connection or the client is gone.
    pub(super) async fn open(&self, database: &Config) -> Result<(Client, JoinHandle<()>), Error> {
        match &self.0.connect {
            Some(tls) => {
                let (client, connection) = database.connect(tls.clone()).await?;
                Ok((client, drive(connection)))
            }
            None => {
                let (client, connection) = database.connect(NoTls).await?;
                Ok((client, drive(connection)))
            }
        }
    }

    /// Asks the server to cancel what a connection of its is at.
    pub(super) async fn cancel(&self, token: &CancelToken) -> Result<(), Error> {
        match &self.0.connect {
            Some(tls) => token.cancel_query(tls.clone()).await,
            None => token.cancel_query(NoTls).await,
        }
    }
}

type Opening<'a> =
    Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'a>>;

impl deadpool_postgres::Connect for Connector {
    fn connect(&self, database: &Config) -> Opening<'_> {
        let database = database.clone();
        Box::pin(async move {
            let opened = self.open(&database).await?;
            metrics::counter!(POOL_CONNECTS).increment(1);
            Ok(opened)
        })
    }
}

fn drive<T>(connection: tokio_postgres::Connection<Socket, T>) -> JoinHandle<()>
where
    T: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        // Its calls get the error too. The text may quote what the server was told.
        if let Err(error) = connection.await {
            let sqlstate = error.code().map(tokio_postgres::error::SqlState::code);
            tracing::debug!(sqlstate, "a connection to the database broke");
        }
    })
}
