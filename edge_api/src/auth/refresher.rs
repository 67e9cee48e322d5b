//! The task that reads the JWKS regularly.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::verifier::Verifier;

/// Between two readings; Supabase lets its JWKS be cached for as long.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(600);

/// After a reading that failed.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);

/// Dropping it ends the task.
#[derive(Debug)]
pub struct KeyRefresher {
    _task: JoinSet<()>,
}

impl KeyRefresher {
    /// Reads the keys at once, and from then on at intervals.
    pub fn start(verifier: Arc<Verifier>) -> Self {
        let mut task = JoinSet::new();
        task.spawn(async move {
            loop {
                let is_read = verifier.refresh().await;
                sleep(if is_read {
                    REFRESH_INTERVAL
                } else {
                    RETRY_INTERVAL
                })
                .await;
            }
        });
        Self { _task: task }
    }
}
