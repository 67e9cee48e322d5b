//! A connection of the pool, with the `statement_timeout` that its session has.

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use deadpool::managed::{Manager, Metrics, RecycleResult};
use deadpool_postgres::{ClientWrapper, ManagerConfig, RecyclingMethod};
use tokio_postgres::{Config, Error};

use super::connector::Connector;

/// Makes connections that remember a setting of their session.
pub(super) struct Keeping(deadpool_postgres::Manager);

pub(super) struct Kept {
    client: ClientWrapper,
    /// In milliseconds; 0: what the database gave, which is not known.
    statement_timeout_ms: AtomicU32,
}

impl Keeping {
    pub(super) fn new(database: Config, connector: Connector) -> Self {
        // Without a test query: a connection that died idle is seen as closed, one that dies later
        // is answered with `upstream_unavailable`.
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        Self(deadpool_postgres::Manager::from_connect(
            database, connector, recycling,
        ))
    }
}

impl Manager for Keeping {
    type Type = Kept;
    type Error = Error;

    async fn create(&self) -> Result<Kept, Error> {
        Ok(Kept {
            client: self.0.create().await?,
            statement_timeout_ms: AtomicU32::default(),
        })
    }

    async fn recycle(&self, kept: &mut Kept, metrics: &Metrics) -> RecycleResult<Error> {
        self.0.recycle(&mut kept.client, metrics).await
    }

    fn detach(&self, kept: &mut Kept) {
        self.0.detach(&mut kept.client);
    }
}

impl Kept {
    pub(super) fn has_statement_timeout(&self, timeout_ms: u32) -> bool {
        self.statement_timeout_ms.load(Ordering::Relaxed) == timeout_ms
    }

    /// Sets it to the end of the session. Sent at once; whoever drops the answer closes the connection too.
    pub(super) async fn set_statement_timeout(&self, timeout_ms: u32) -> Result<(), Error> {
        let statement = format!("set statement_timeout = {timeout_ms}");
        self.batch_execute(&statement).await?;
        self.statement_timeout_ms
            .store(timeout_ms, Ordering::Relaxed);
        Ok(())
    }
}

impl Deref for Kept {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        &self.client
    }
}
