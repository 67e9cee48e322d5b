//! Calls of SQL functions over a direct database connection.
//!
//! As PostgREST does it: one request is one transaction, which takes on the caller's role and claims
//! with transaction-local settings, calls the function and commits. The login role must be a member
//! of `authenticated` and `service_role` and needs no right of its own.
//!
//! The four messages (begin, settings, call, commit) are sent without waiting in between, so a warm
//! connection needs one round trip. An error in any of them aborts the transaction on the server:
//! the following ones fail and the commit becomes a rollback.

mod failure;
mod pool;
mod statement;
mod timeouts;
mod values;

use std::fmt;
use std::sync::Arc;

use serde_json::value::RawValue;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, Row};

use self::pool::Connections;
pub use self::pool::PoolSetupError;
use self::statement::Statements;
use self::timeouts::Timeouts;
use self::values::Answer;
use super::{Call, Pending, Upstream, UpstreamError};
use crate::contract::{Access, Contract};

/// Role and claims as PostgREST sets them. The role comes first and lasts, like the others, to the
/// end of the transaction. SET ROLE does not bring a role's own timeouts, so they are set here.
const SETTINGS: &str = "select set_config('role', $1, true), \
    set_config('request.jwt.claims', $2, true), \
    set_config('request.method', $3, true), \
    set_config('request.path', $4, true), \
    set_config('statement_timeout', $5, true), \
    set_config('lock_timeout', $6, true)";

/// A pool of connections of the role that may become the API roles.
#[derive(Clone)]
pub struct SqlUpstream {
    pool: Connections,
    statements: Arc<Statements>,
}

impl SqlUpstream {
    /// Connects when the first request needs it, so that the service may start before its database.
    pub fn new(database: Config, pool_size: usize) -> Result<Self, PoolSetupError> {
        let pool = Connections::new(database, pool_size)?;
        let statements = Arc::new(Statements::of(Contract::get()));
        Ok(Self { pool, statements })
    }

    /// Calls the operations of another contract than the one that is built in.
    pub fn with_contract(self, contract: &'static Contract) -> Self {
        Self {
            statements: Arc::new(Statements::of(contract)),
            ..self
        }
    }

    async fn run(&self, call: &Call) -> Result<Box<RawValue>, UpstreamError> {
        let connection = self.pool.take().await?;
        let settings = connection
            .prepare_cached(SETTINGS)
            .await
            .map_err(failure::of_postgres)?;
        let begin = match call.operation.access {
            Access::Read => "begin read only",
            Access::Write => "begin read write",
        };
        let statement = self.statements.calling(call.operation);
        let arguments: Vec<_> = call
            .arguments
            .iter()
            .map(|argument| argument as &(dyn ToSql + Sync))
            .collect();

        let caller = &call.caller;
        let (role, claims) = (caller.role.as_str(), caller.claims.as_json());
        let timeouts = Timeouts::until(call.deadline)?;
        let (statement_timeout, lock_timeout) = timeouts.as_settings();
        let settings_values: [&(dyn ToSql + Sync); 6] = [
            &role,
            &claims,
            &caller.method,
            &caller.path,
            &statement_timeout,
            &lock_timeout,
        ];

        // `biased` polls, and so sends, in the written order.
        let (begun, set, (row, ended)) = tokio::join!(
            biased;
            connection.batch_execute(begin),
            connection.execute(&settings, &settings_values),
            async {
                // Inside the transaction: only the caller's role may look into the schema. A first
                // preparation waits for the server here, hence the end is sent from here too.
                match connection.prepare_cached(statement).await {
                    Ok(function) => tokio::join!(
                        biased;
                        connection.query_one(&function, &arguments),
                        connection.batch_execute("commit"),
                    ),
                    Err(error) => (Err(error), connection.batch_execute("rollback").await),
                }
            },
        );
        if ended.is_ok() {
            connection.give_back();
        }
        begun.map_err(failure::of_postgres)?;
        set.map_err(failure::of_settings)?;
        let row = row.map_err(failure::of_postgres)?;
        ended.map_err(failure::of_postgres)?;
        read(&row)
    }
}

impl Upstream for SqlUpstream {
    fn call(&self, call: Arc<Call>) -> Pending<Box<RawValue>> {
        let database = self.clone();
        Box::pin(async move { database.run(&call).await })
    }

    fn ping(&self) -> Pending<()> {
        let pool = self.pool.clone();
        Box::pin(async move {
            let connection = pool.take().await?;
            connection
                .check_connection()
                .await
                .map_err(failure::of_postgres)?;
            connection.give_back();
            Ok(())
        })
    }
}

impl fmt::Debug for SqlUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlUpstream(..)")
    }
}

fn read(row: &Row) -> Result<Box<RawValue>, UpstreamError> {
    match row.try_get::<_, Option<Answer>>(0) {
        Ok(Some(Answer(json))) => Ok(json),
        Ok(None) => Ok(RawValue::NULL.to_owned()),
        Err(error) => Err(failure::of_postgres(error)),
    }
}
