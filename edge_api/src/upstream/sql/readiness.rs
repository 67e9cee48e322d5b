//! The connection that only asks whether the database answers: one, outside of the pool.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{Client, Config, Error, SimpleQueryMessage};

use super::connector::Connector;
use super::failure;
use crate::upstream::{DatabaseVersions, UpstreamError};

/// A server that takes longer is not ready.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Everybody may read these. The contract's version is the owner's function, and a constant; the catalogue
/// shows its text.
const VERSIONS: &str = "select
    (select extversion from pg_catalog.pg_extension where extname = 'pg_stream_ext'),
    (select substring(function.prosrc from '''([0-9.]+)''')
       from pg_catalog.pg_proc as function
       join pg_catalog.pg_namespace as schema on schema.oid = function.pronamespace
      where schema.nspname = 'stream_private' and function.proname = 'contract_version')";

#[derive(Clone)]
pub(super) struct Readiness {
    connector: Connector,
    database: Arc<Config>,
    idle: Arc<Mutex<Option<Own>>>,
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

    /// Asks on the one connection, which is made anew when it is broken. Whoever asks meanwhile waits.
    pub(super) async fn ask(&self) -> Result<DatabaseVersions, UpstreamError> {
        let mut idle = self.idle.lock().await;
        // Out of its place until it has answered: a question that was cut off leaves it in an unknown state.
        let own = idle.take().filter(|own| !own.client.is_closed());
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
        *idle = Some(own);
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
    let answer = client.simple_query(VERSIONS).await?;
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let text = |column| row.and_then(|row| row.get(column)).map(str::to_owned);
    Ok(DatabaseVersions {
        extension: text(0),
        contract: text(1),
    })
}
