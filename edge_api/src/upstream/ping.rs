//! One question for all who want to know whether the database answers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::{DatabaseVersions, Pending, Upstream, UpstreamError};

use crate::lock::Lock;

/// An answer counts for so long.
pub const FRESH_FOR: Duration = Duration::from_secs(1);

/// After this time the question counts as not answered.
const TIMEOUT: Duration = Duration::from_secs(5);

type Outcome = Result<DatabaseVersions, UpstreamError>;

/// Asks at most once a second, and once at a time, however many ask and hang up.
pub(super) struct SharedPing {
    upstream: Arc<dyn Upstream>,
    last: Arc<Lock<Last>>,
}

enum Last {
    Never,
    /// Asked by a task, which nobody can cut off.
    Asking(watch::Receiver<Option<Outcome>>),
    Answered {
        at: Instant,
        outcome: Outcome,
    },
}

impl SharedPing {
    pub(super) fn new(upstream: Arc<dyn Upstream>) -> Self {
        Self {
            upstream,
            last: Arc::new(Lock::new(Last::Never)),
        }
    }

    /// A fresh answer, or that of the question under way.
    pub(super) fn ask(&self) -> Pending<DatabaseVersions> {
        let mut answer = match &mut *self.last.lock() {
            Last::Answered { at, outcome } if at.elapsed() < FRESH_FOR => {
                return Box::pin(std::future::ready(outcome.clone()));
            }
            // A sender that is gone without an answer was cut off with its runtime, or panicked.
            Last::Asking(answer) if answer.has_changed().is_ok() => answer.clone(),
            last => {
                let answer = self.begin();
                *last = Last::Asking(answer.clone());
                answer
            }
        };
        Box::pin(async move {
            let lost = || UpstreamError::Unexpected {
                reason: "the question whether the database is ready was lost".to_owned(),
            };
            let answered = answer.wait_for(Option::is_some).await.map_err(|_| lost())?;
            answered.clone().unwrap_or_else(|| Err(lost()))
        })
    }

    fn begin(&self) -> watch::Receiver<Option<Outcome>> {
        let (tell, answer) = watch::channel(None);
        let last = self.last.clone();
        let question = self.upstream.ping();
        tokio::spawn(async move {
            let outcome = timeout(TIMEOUT, question).await.unwrap_or_else(|_| {
                Err(UpstreamError::Unavailable {
                    reason: "no answer to the question whether it is ready".to_owned(),
                })
            });
            *last.lock() = Last::Answered {
                at: Instant::now(),
                outcome: outcome.clone(),
            };
            tell.send_replace(Some(outcome));
        });
        answer
    }
}
