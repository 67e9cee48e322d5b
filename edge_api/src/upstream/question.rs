//! One question to the database for all who want its answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::{Pending, UpstreamError};
use crate::lock::Lock;

/// After this time the question counts as not answered.
const TIMEOUT: Duration = Duration::from_secs(5);

type Outcome<T> = Result<T, UpstreamError>;

/// Asks at most once in a time, and once at a time, however many ask and hang up.
pub(super) struct SharedQuestion<T> {
    ask: Box<dyn Fn() -> Pending<T> + Send + Sync>,
    fresh_for: Duration,
    last: Arc<Lock<Last<T>>>,
}

enum Last<T> {
    Never,
    /// Asked by a task, which nobody can cut off.
    Asking(watch::Receiver<Option<Outcome<T>>>),
    Answered {
        at: Instant,
        outcome: Outcome<T>,
    },
}

impl<T: Clone + Send + Sync + 'static> SharedQuestion<T> {
    /// An answer counts for so long.
    pub(super) fn new(
        fresh_for: Duration,
        ask: impl Fn() -> Pending<T> + Send + Sync + 'static,
    ) -> Self {
        Self {
            ask: Box::new(ask),
            fresh_for,
            last: Arc::new(Lock::new(Last::Never)),
        }
    }

    /// A fresh answer, or that of the question under way.
    pub(super) fn ask(&self) -> Pending<T> {
        let mut answer = match &mut *self.last.lock() {
            Last::Answered { at, outcome } if at.elapsed() < self.fresh_for => {
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
                reason: "a question to the database was lost".to_owned(),
            };
            let answered = answer.wait_for(Option::is_some).await.map_err(|_| lost())?;
            answered.clone().unwrap_or_else(|| Err(lost()))
        })
    }

    fn begin(&self) -> watch::Receiver<Option<Outcome<T>>> {
        let (tell, answer) = watch::channel(None);
        let last = self.last.clone();
        let question = (self.ask)();
        tokio::spawn(async move {
            let outcome = timeout(TIMEOUT, question).await.unwrap_or_else(|_| {
                Err(UpstreamError::Unavailable {
                    reason: "no answer to a question outside of the calls".to_owned(),
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
