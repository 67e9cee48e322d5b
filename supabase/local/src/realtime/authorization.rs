//! The policies on realtime.messages, evaluated for a token and a topic with a row that is rolled back.

use std::time::Duration;

use deadpool_postgres::{Pool, PoolError, Transaction};
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::realtime::token::Subject;

/// The real server's limit for these queries.
const STATEMENT_TIMEOUT: &str = "5s";
/// Waiting longer for a connection, a join fails and the client tries again.
const POOL_TIMEOUT: Duration = Duration::from_secs(5);

const SET_TIMEOUT: &str = "select pg_catalog.set_config('statement_timeout', $1, true)";
const INSERT_PROBE: &str =
    "insert into realtime.messages (id, topic, extension) values ($1, $2, $3)";
const BECOME_SUBJECT: &str = "select \
     pg_catalog.set_config('role', $1, true), \
     pg_catalog.set_config('realtime.topic', $2, true), \
     pg_catalog.set_config('request.jwt.claims', $3, true), \
     pg_catalog.set_config('request.jwt.claim.sub', $4, true), \
     pg_catalog.set_config('request.jwt.claim.role', $1, true), \
     pg_catalog.set_config('request.headers', $5, true)";
const READ_PROBES: &str = "select id from realtime.messages where id = any($1)";

const BROADCAST: &str = "broadcast";
const PRESENCE: &str = "presence";

/// The rights of a subject to read a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadAccess {
    pub broadcast: bool,
    pub presence: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum AuthorizationError {
    #[error("IncreaseConnectionPool: Please increase your connection pool size")]
    PoolExhausted,
    #[error("UnableToConnectToProject: Realtime was unable to connect to the project database")]
    Connection,
    #[error("MissingPartition: Realtime was unable to find the expected messages partition")]
    MissingPartition,
    #[error("QueryCanceled: canceling statement due to statement timeout")]
    QueryCanceled,
    #[error("RlsPolicyError: {0}")]
    Policy(String),
}

impl ReadAccess {
    /// Reading either is enough to join.
    pub fn is_any(self) -> bool {
        self.broadcast || self.presence
    }

    /// True when something that could be read before cannot be read now.
    pub fn is_more_than(self, now: Self) -> bool {
        (self.broadcast && !now.broadcast) || (self.presence && !now.presence)
    }
}

/// Inserts a row per extension while the login role's rights hold, then looks whether the
/// subject sees them.
pub async fn read(
    pool: &Pool,
    subject: &Subject,
    topic: &str,
    with_presence: bool,
) -> Result<ReadAccess, AuthorizationError> {
    let mut client = connection(pool).await?;
    // Dropped, and so rolled back, at the end.
    let transaction = begin(&mut client).await?;
    let broadcast = Uuid::new_v4();
    let presence = Uuid::new_v4();
    let insert = transaction.prepare_cached(INSERT_PROBE).await?;
    transaction
        .execute(&insert, &[&broadcast, &topic, &BROADCAST])
        .await?;
    if with_presence {
        transaction
            .execute(&insert, &[&presence, &topic, &PRESENCE])
            .await?;
    }
    become_subject(&transaction, subject, topic).await?;
    let select = transaction.prepare_cached(READ_PROBES).await?;
    let seen: Vec<Uuid> = transaction
        .query(&select, &[&vec![broadcast, presence]])
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    transaction.rollback().await?;
    Ok(ReadAccess {
        broadcast: seen.contains(&broadcast),
        presence: seen.contains(&presence),
    })
}

/// True when the subject may insert a broadcast row.
pub async fn write(
    pool: &Pool,
    subject: &Subject,
    topic: &str,
) -> Result<bool, AuthorizationError> {
    let mut client = connection(pool).await?;
    let transaction = begin(&mut client).await?;
    become_subject(&transaction, subject, topic).await?;
    let insert = transaction.prepare_cached(INSERT_PROBE).await?;
    let inserted = transaction
        .execute(&insert, &[&Uuid::new_v4(), &topic, &BROADCAST])
        .await;
    transaction.rollback().await?;
    match inserted {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A connection of the gateway's login role.
pub async fn connection(pool: &Pool) -> Result<deadpool_postgres::Client, AuthorizationError> {
    match tokio::time::timeout(POOL_TIMEOUT, pool.get()).await {
        Err(_) | Ok(Err(PoolError::Timeout(_))) => Err(AuthorizationError::PoolExhausted),
        Ok(Err(_)) => Err(AuthorizationError::Connection),
        Ok(Ok(client)) => Ok(client),
    }
}

/// Limits its statements as the real server does.
pub async fn begin(
    client: &mut deadpool_postgres::Client,
) -> Result<Transaction<'_>, AuthorizationError> {
    let transaction = client.transaction().await?;
    let set = transaction.prepare_cached(SET_TIMEOUT).await?;
    transaction.query_one(&set, &[&STATEMENT_TIMEOUT]).await?;
    Ok(transaction)
}

async fn become_subject(
    transaction: &Transaction<'_>,
    subject: &Subject,
    topic: &str,
) -> Result<(), AuthorizationError> {
    let statement = transaction.prepare_cached(BECOME_SUBJECT).await?;
    transaction
        .query_one(
            &statement,
            &[
                &subject.role.as_str(),
                &topic,
                &subject.claims_json,
                &subject.user.as_deref().unwrap_or_default(),
                &subject.headers_json,
            ],
        )
        .await?;
    Ok(())
}

impl From<tokio_postgres::Error> for AuthorizationError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(database) = error.as_db_error() else {
            return Self::Connection;
        };
        match *database.code() {
            // What Postgres raises when no partition takes a row.
            SqlState::CHECK_VIOLATION => Self::MissingPartition,
            SqlState::QUERY_CANCELED => Self::QueryCanceled,
            _ => Self::Policy(format!("{} {}", database.code().code(), database.message())),
        }
    }
}
