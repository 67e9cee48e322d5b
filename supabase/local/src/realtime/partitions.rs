//! Keeping the daily partitions of realtime.messages: at start and every hour; and taking today's away for a test.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::database::StatementError;
use crate::realtime::service::Realtime;

const EVERY: Duration = Duration::from_secs(60 * 60);
const RETRY: Duration = Duration::from_secs(5);

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

/// Attaches the partition of today, or detaches it with its rows.
pub async fn set_today(realtime: &Realtime, is_there: bool) -> Result<(), StatementError> {
    let client = realtime.pool.get().await?;
    client
        .execute("select realtime.set_partition_of_today($1)", &[&is_there])
        .await?;
    Ok(())
}

async fn maintain(realtime: &Realtime) -> Result<(), StatementError> {
    let client = realtime.pool.get().await?;
    client
        .execute("select realtime.maintain_partitions()", &[])
        .await?;
    Ok(())
}
