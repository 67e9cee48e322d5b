//! A connection outside of the pool, for one question at a time.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{Client, Config, Error, SimpleQueryMessage};

use super::connector::Connector;
use super::failure;
use crate::lock::Lock;
use crate::upstream::UpstreamError;

/// For connecting, and for the answer.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Whoever asks sees to it that nobody else does meanwhile ([`SharedQuestion`](crate::upstream::question)).
#[derive(Clone)]
pub(super) struct Aside {
    connector: Connector,
    database: Arc<Config>,
    idle: Arc<Lock<Option<Own>>>,
}

/// A client whose connection ends with it, also when the server does not answer.
struct Own {
    client: Client,
    task: JoinHandle<()>,
}

/// A question that is on its way.
pub(super) type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

impl Aside {
    pub(super) fn new(connector: Connector, database: Config) -> Self {
        Self {
            connector,
            database: Arc::new(database),
            idle: Arc::default(),
        }
    }

    /// Asks on the one connection, which is made anew when it is broken.
    pub(super) async fn ask<T>(
        &self,
        question: impl FnOnce(&Client) -> Asking<'_, T> + Send,
    ) -> Result<T, UpstreamError> {
        // Out of its place until it has answered: a question that was cut off leaves it in an unknown state.
        let idle = self.idle.lock().take();
        let own = idle.filter(|own| !own.client.is_closed());
        let own = match own {
            Some(own) => own,
            None => self.open().await?,
        };
        let answer = timeout(TIMEOUT, question(&own.client)).await;
        let answer = answer
            .map_err(|_| UpstreamError::Unavailable {
                reason: "no answer to a question outside of the calls".to_owned(),
            })?
            .map_err(failure::of_postgres)?;
        *self.idle.lock() = Some(own);
        Ok(answer)
    }

    async fn open(&self) -> Result<Own, UpstreamError> {
        let opened = timeout(TIMEOUT, self.connector.open(&self.database)).await;
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

/// The one value that statements give.
pub(super) async fn value(client: &Client, statements: &str) -> Result<Option<String>, Error> {
    let answer = client.simple_query(statements).await?;
    Ok(answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}
