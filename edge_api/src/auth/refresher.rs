//! The task that reads the JWKS regularly.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::refresh::FIRST_READING_INTERVAL;
use super::verifier::Verifier;

/// Between two readings; Supabase lets its JWKS be cached for as long.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(600);

/// After a reading that failed; before the first that did not, it is [`FIRST_READING_INTERVAL`].
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
                sleep(match is_read {
                    true => REFRESH_INTERVAL,
                    false if verifier.has_key_set() => RETRY_INTERVAL,
                    false => FIRST_READING_INTERVAL,
                })
                .await;
            }
        });
        Self { _task: task }
    }
}
