//! The way in of a call: refused at once while the breaker is open, and answered by its deadline.
//!
//! The breaker learns of a call where its work ends, which is behind the rule of admission: there it goes on when
//! the caller has left. Here nobody waits for a place on behalf of a dependency that is away.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::time::timeout_at;

use super::breaker::{ANSWER_GRACE, Breaker};
use super::{Call, DatabaseVersions, Figure, Pending, Upstream, UpstreamError};

/// An upstream whose calls a breaker refuses before they wait for anything.
pub(super) struct Entrance<U> {
    breaker: Arc<Breaker>,
    upstream: Arc<U>,
}

impl<U: Upstream> Entrance<U> {
    pub(super) fn new(breaker: Arc<Breaker>, upstream: U) -> Self {
        let upstream = Arc::new(upstream);
        Self { breaker, upstream }
    }
}

impl<U: Upstream + 'static> Upstream for Entrance<U> {
    fn call(&self, call: Arc<Call>) -> Pending<Box<RawValue>> {
        let (breaker, upstream) = (self.breaker.clone(), self.upstream.clone());
        Box::pin(async move {
            breaker.check()?;
            let answer = timeout_at(call.deadline + ANSWER_GRACE, upstream.call(call)).await;
            answer.unwrap_or(Err(UpstreamError::NO_ANSWER))
        })
    }

    /// Asks the database itself, whatever the breaker's state.
    fn ping(&self) -> Pending<DatabaseVersions> {
        self.upstream.ping()
    }

    fn figures(&self) -> Pending<Vec<Figure>> {
        self.upstream.figures()
    }

    fn cancels(&self) -> bool {
        self.upstream.cancels()
    }
}
