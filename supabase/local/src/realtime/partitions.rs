//! Keeping the daily partitions of realtime.messages: at start and every hour.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::PoolError;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::realtime::service::Realtime;

const EVERY: Duration = Duration::from_secs(60 * 60);
const RETRY: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
enum PartitionError {
    #[error("no connection: {0}")]
    Pool(#[from] PoolError),
    #[error("{0}")]
    Database(#[from] tokio_postgres::Error),
}

/// Runs until `stop`.
pub async fn keep(realtime: Arc<Realtime>, stop: CancellationToken) {
    loop {
        let next = match maintain(&realtime).await {
            Ok(()) => EVERY,
            Err(error) => {
                warn!(%error, "the partitions of realtime.messages could not be made");
                RETRY
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(next) => {}
        }
    }
}

async fn maintain(realtime: &Realtime) -> Result<(), PartitionError> {
    let client = realtime.pool.get().await?;
    client
        .execute("select realtime.maintain_partitions()", &[])
        .await?;
    Ok(())
}
