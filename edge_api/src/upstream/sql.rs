//! Calls of SQL functions over a direct database connection.
//!
//! As PostgREST does it: one request is one transaction, which takes on the caller's role and claims
//! with transaction-local settings, calls the function and commits. The login role must be a member
//! of `authenticated` and `service_role`.
//!
//! * A call is one statement where the login role may execute the functions of schema `stream_edge` ([`whole`]).
//! * Elsewhere it is four messages (begin, settings, call, commit), sent without waiting in between ([`exchange`]): behind
//!   a pooler, without that right, and where the operation has no such function, as in a database of another release. They
//!   cost the server half as much again. An error in any of them aborts the transaction: the following ones fail, and the
//!   commit becomes a rollback.
//! * Either way a warm connection needs one round trip.

mod aside;
mod connector;
mod exchange;
mod failure;
mod figures;
mod kept;
mod pool;
mod pooler;
mod readiness;
mod statement;
mod timeouts;
pub mod tls;
mod values;
mod whole;

use std::fmt;
use std::sync::Arc;

use serde_json::value::RawValue;
use stream_core::error::ErrorCode;
use tokio_postgres::Config;
use tokio_postgres::error::SqlState;

use self::aside::Aside;
use self::connector::Connector;
pub use self::pool::PoolSetupError;
use self::pool::{Connection, Connections};
pub use self::pooler::Pooler;
use self::statement::Statements;
use self::timeouts::Timeouts;
use self::tls::Tls;
use super::{Call, DatabaseVersions, Figure, Pending, Upstream, UpstreamError};
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
    /// Asked whether the database is ready.
    readiness: Aside,
    /// Asked for figures, so that slow ones delay no readiness.
    figures: Aside,
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
            readiness: Aside::new(connector.clone(), database.clone()),
            figures: Aside::new(connector.clone(), database.clone()),
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
        let statements = self.statements.calling(call.operation);
        let whole = match self.pooler {
            Pooler::None => statements.whole.text(),
            Pooler::Transaction => None,
        };
        let Some(whole) = whole else {
            return self.exchange(connection, &statements.inner, call).await;
        };
        let timeouts = match Timeouts::until(call.deadline) {
            Ok(timeouts) => timeouts,
            Err(error) => return connection.refuse(error),
        };
        match whole::make(&connection, whole, call, &timeouts).await {
            Ok(answer) => {
                connection.give_back();
                Ok(answer)
            }
            Err(error) if whole::is_refused(&error) => {
                let answer = self.exchange(connection, &statements.inner, call).await;
                if got_further(&answer) {
                    tracing::warn!(
                        operation = call.operation.name,
                        sqlstate = error.code().map(SqlState::code),
                        "no function of schema stream_edge for a call, which costs the database more without it"
                    );
                    statements.whole.avoid();
                }
                answer
            }
            Err(error) => {
                if whole::is_over(&error) {
                    connection.give_back();
                }
                Err(failure::of_postgres(error))
            }
        }
    }

    /// Makes the call in four messages.
    async fn exchange(
        &self,
        connection: Connection,
        statement: &str,
        call: &Call,
    ) -> Result<Box<RawValue>, UpstreamError> {
        let timeouts = match Timeouts::until(call.deadline) {
            Ok(timeouts) => timeouts,
            Err(error) => return connection.refuse(error),
        };
        let settings = [
            call.caller.role.as_str(),
            call.caller.claims.as_json(),
            &call.caller.method,
            &call.caller.path,
            &timeouts.statement(),
            &timeouts.lock(),
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

/// Whether a call got behind the refusals at which a function of `stream_edge` may have failed.
fn got_further(answer: &Result<Box<RawValue>, UpstreamError>) -> bool {
    match answer {
        Ok(_) => true,
        Err(UpstreamError::Refused { code, .. }) => *code != ErrorCode::PermissionDenied,
        Err(UpstreamError::Unavailable { .. } | UpstreamError::Unexpected { .. }) => false,
    }
}

impl Upstream for SqlUpstream {
    fn call(&self, call: Arc<Call>) -> Pending<Box<RawValue>> {
        let database = self.clone();
        Box::pin(async move { database.run(&call).await })
    }

    fn ping(&self) -> Pending<DatabaseVersions> {
        let readiness = self.readiness.clone();
        Box::pin(async move { readiness::ask(&readiness).await })
    }

    fn figures(&self) -> Pending<Vec<Figure>> {
        let aside = self.figures.clone();
        Box::pin(async move { figures::ask(&aside).await })
    }
}

impl fmt::Debug for SqlUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlUpstream(..)")
    }
}
