//! The connection that only asks whether the database answers: one, outside of the pool.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{Client, Config, Error, SimpleQueryMessage};

use super::connector::Connector;
use super::failure;
use super::whole::is_refused;
use crate::lock::Lock;
use crate::upstream::{DatabaseVersions, UpstreamError};

/// A server that takes longer is not ready.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Everybody may read this.
const EXTENSION: &str =
    "select extversion from pg_catalog.pg_extension where extname = 'pg_stream_ext'";

/// For who may execute the functions of that schema.
const CONTRACT: &str = "select stream_edge.contract_version()";

/// Whether the database answers is asked once at a time ([`SharedPing`](crate::upstream::ping)).
#[derive(Clone)]
pub(super) struct Readiness {
    connector: Connector,
    database: Arc<Config>,
    idle: Arc<Lock<Option<Own>>>,
}

/// A client whose connection ends with it, also when the server does not answer.
struct Own {
    client: Client,
    task: JoinHandle<()>,
}

impl Readiness {
    pub(super) fn new(connector: Connector, database: Config) -> Self {
        Self {
            connector,
            database: Arc::new(database),
            idle: Arc::default(),
        }
    }

    /// Asks on the one connection, which is made anew when it is broken.
    pub(super) async fn ask(&self) -> Result<DatabaseVersions, UpstreamError> {
        // Out of its place until it has answered: a question that was cut off leaves it in an unknown state.
        let idle = self.idle.lock().take();
        let own = idle.filter(|own| !own.client.is_closed());
        let own = match own {
            Some(own) => own,
            None => self.open().await?,
        };
        let answer = timeout(ANSWER_TIMEOUT, versions(&own.client)).await;
        let versions = answer
            .map_err(|_| UpstreamError::Unavailable {
                reason: "no answer to the question whether it is ready".to_owned(),
            })?
            .map_err(failure::of_postgres)?;
        *self.idle.lock() = Some(own);
        Ok(versions)
    }

    async fn open(&self) -> Result<Own, UpstreamError> {
        let opened = timeout(ANSWER_TIMEOUT, self.connector.open(&self.database)).await;
        let opened = opened.map_err(|_| UpstreamError::Unavailable {
            reason: "no connection in time".to_owned(),
        })?;
        let (client, task) = opened.map_err(failure::of_connecting)?;
        Ok(Own { client, task })
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn versions(client: &Client) -> Result<DatabaseVersions, Error> {
    // `biased` polls, and so sends, in the written order.
    let (extension, contract) =
        tokio::join!(biased; value(client, EXTENSION), value(client, CONTRACT));
    let contract = match contract {
        // It is not there, or not granted.
        Err(error) if is_refused(&error) => None,
        contract => contract?,
    };
    Ok(DatabaseVersions {
        extension: extension?,
        contract,
    })
}

/// The one value that a statement gives.
async fn value(client: &Client, statement: &str) -> Result<Option<String>, Error> {
    let answer = client.simple_query(statement).await?;
    Ok(answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}
