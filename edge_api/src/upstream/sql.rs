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
mod statement;
mod values;

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use serde_json::value::RawValue;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, NoTls, Row};

use self::statement::Statements;
use self::values::Answer;
use super::{Call, Pending, Upstream, UpstreamError};
use crate::auth::Caller;
use crate::contract::{Access, Contract};

/// How long a request waits for a free connection before it is told to come back later.
const POOL_WAIT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Role and claims as PostgREST sets them. The role comes first and lasts, like the others, to the
/// end of the transaction. SET ROLE does not bring a role's own `statement_timeout`, so the one that
/// Supabase gives to `authenticated` (8 s) is set here; it stays below the request's deadline.
const SETTINGS: &str = "select set_config('role', $1, true), \
    set_config('request.jwt.claims', $2, true), \
    set_config('request.method', $3, true), \
    set_config('request.path', $4, true), \
    set_config('statement_timeout', '8s', true)";

/// A pool of connections of the role that may become the API roles.
pub struct SqlUpstream {
    pool: Pool,
    statements: Statements,
}

/// The pool cannot be made; a bug, since it does not connect yet.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the connection pool")]
pub struct PoolSetupError(#[from] deadpool_postgres::BuildError);

impl SqlUpstream {
    /// Connects when the first request needs it, so that the service may start before its database.
    pub fn new(mut database: Config, pool_size: usize) -> Result<Self, PoolSetupError> {
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
            .max_size(pool_size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(POOL_WAIT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .recycle_timeout(Some(CONNECT_TIMEOUT))
            .build()?;
        let statements = Statements::of(Contract::get());
        Ok(Self { pool, statements })
    }

    /// Calls the operations of another contract than the one that is built in.
    pub fn with_contract(self, contract: &'static Contract) -> Self {
        Self {
            statements: Statements::of(contract),
            ..self
        }
    }

    async fn run(&self, caller: &Caller, call: &Call) -> Result<Box<RawValue>, UpstreamError> {
        let lease = Lease::take(&self.pool).await?;
        let settings = lease
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

        let (role, claims) = (caller.role.as_str(), caller.claims.as_json());
        let identity: [&(dyn ToSql + Sync); 4] = [&role, &claims, &caller.method, &caller.path];

        // `biased` polls, and so sends, in the written order.
        let (begun, set, answered) = tokio::join!(
            biased;
            lease.batch_execute(begin),
            lease.execute(
                &settings,
                &identity,
            ),
            async {
                // Inside the transaction: only the caller's role may look into the schema. A first
                // preparation waits for the server here, hence the commit is sent from here too.
                let function = lease.prepare_cached(statement).await?;
                Ok(tokio::join!(
                    biased;
                    lease.query_one(&function, &arguments),
                    lease.batch_execute("commit"),
                ))
            },
        );
        begun.map_err(failure::of_postgres)?;
        set.map_err(failure::of_settings)?;
        let (row, committed) = answered.map_err(failure::of_postgres)?;
        lease.give_back();
        let row = row.map_err(failure::of_postgres)?;
        committed.map_err(failure::of_postgres)?;
        read(&row)
    }
}

impl Upstream for SqlUpstream {
    fn call<'a>(&'a self, caller: &'a Caller, call: &'a Call) -> Pending<'a, Box<RawValue>> {
        Box::pin(self.run(caller, call))
    }

    fn ping(&self) -> Pending<'_, ()> {
        Box::pin(async {
            let lease = Lease::take(&self.pool).await?;
            lease
                .check_connection()
                .await
                .map_err(failure::of_postgres)?;
            lease.give_back();
            Ok(())
        })
    }
}

impl fmt::Debug for SqlUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlUpstream(..)")
    }
}

/// A connection that goes back to the pool only when its transaction is known to be over. A request
/// that is cut off in between (the client left, the deadline passed) closes it instead: the server
/// finishes what was sent, commits it as a whole or rolls it back, and nobody waits behind it.
struct Lease(Option<Object>);

impl Lease {
    async fn take(pool: &Pool) -> Result<Self, UpstreamError> {
        let connection = pool.get().await.map_err(failure::of_pool)?;
        Ok(Self(Some(connection)))
    }

    fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Deref for Lease {
    type Target = Object;

    fn deref(&self) -> &Object {
        self.0
            .as_ref()
            .expect("only give_back empties a lease, and consumes it")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

fn read(row: &Row) -> Result<Box<RawValue>, UpstreamError> {
    match row.try_get::<_, Option<Answer>>(0) {
        Ok(Some(Answer(json))) => Ok(json),
        Ok(None) => Ok(RawValue::NULL.to_owned()),
        Err(error) => Err(failure::of_postgres(error)),
    }
}
