//! Calls of SQL functions over a direct database connection.
//!
//! As PostgREST does it: one request is one transaction, which takes on the caller's role and claims
//! with transaction-local settings, calls the function and commits. The login role must be a member
//! of `authenticated` and `service_role` and needs no right of its own.
//!
//! The four messages (begin, settings, call, commit) are sent without waiting in between, so a warm
//! connection needs one round trip. An error in any of them aborts the transaction on the server:
//! the following ones fail and the commit becomes a rollback.

mod connector;
mod exchange;
mod failure;
mod pool;
mod pooler;
mod readiness;
mod statement;
mod timeouts;
pub mod tls;
mod values;

use std::fmt;
use std::sync::Arc;

use serde_json::value::RawValue;
use tokio_postgres::Config;

use self::connector::Connector;
use self::pool::Connections;
pub use self::pool::PoolSetupError;
pub use self::pooler::Pooler;
use self::readiness::Readiness;
use self::statement::Statements;
use self::timeouts::Timeouts;
use self::tls::Tls;
use super::{Call, DatabaseVersions, Pending, Upstream, UpstreamError};
use crate::contract::Contract;

/// The database, and the connections to it.
#[derive(Debug)]
pub struct SqlSettings {
    pub database: Config,
    pub tls: Tls,
    pub pooler: Pooler,
    pub connections: usize,
}

/// A pool of connections of the role that may become the API roles.
#[derive(Clone)]
pub struct SqlUpstream {
    pool: Connections,
    readiness: Readiness,
    pooler: Pooler,
    statements: Arc<Statements>,
}

impl SqlUpstream {
    /// Connects when the first request needs it, so that the service may start before its database.
    pub fn new(settings: SqlSettings) -> Result<Self, PoolSetupError> {
        let SqlSettings {
            mut database,
            tls,
            pooler,
            connections,
        } = settings;
        let connector = Connector::new(tls, &mut database);
        pool::prepare(&mut database, pooler);
        Ok(Self {
            readiness: Readiness::new(connector.clone(), database.clone()),
            pool: Connections::new(database, connector, connections)?,
            pooler,
            statements: Arc::new(Statements::of(Contract::get())),
        })
    }

    /// Calls the operations of another contract than the one that is built in.
    pub fn with_contract(self, contract: &'static Contract) -> Self {
        Self {
            statements: Arc::new(Statements::of(contract)),
            ..self
        }
    }

    async fn run(&self, call: &Call) -> Result<Box<RawValue>, UpstreamError> {
        let connection = self.pool.take(call.deadline).await?;
        let statement = self.statements.calling(call.operation);
        let timeouts = match Timeouts::until(call.deadline) {
            Ok(timeouts) => timeouts,
            Err(error) => {
                connection.give_back();
                return Err(error);
            }
        };
        let (statement_timeout, lock_timeout) = timeouts.as_settings();
        let settings = [
            call.caller.role.as_str(),
            call.caller.claims.as_json(),
            &call.caller.method,
            &call.caller.path,
            &statement_timeout,
            &lock_timeout,
        ];
        let exchange = match self.pooler {
            Pooler::None => exchange::prepared(&connection, statement, call, settings)
                .await
                .map_err(failure::of_postgres)?,
            Pooler::Transaction => {
                exchange::unprepared(&connection, statement, call, settings).await
            }
        };
        if exchange.is_over() {
            connection.give_back();
        }
        exchange.into_answer()
    }
}

impl Upstream for SqlUpstream {
    fn call(&self, call: Arc<Call>) -> Pending<Box<RawValue>> {
        let database = self.clone();
        Box::pin(async move { database.run(&call).await })
    }

    fn ping(&self) -> Pending<DatabaseVersions> {
        let readiness = self.readiness.clone();
        Box::pin(async move { readiness.ask().await })
    }
}

impl fmt::Debug for SqlUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlUpstream(..)")
    }
}
