//! Retries of calls that the contract allows to be repeated, when their failure passes by itself.
//!
//! A retry waits at random between nothing and a bound that doubles (full jitter), not less than a
//! given `retry_after_ms`, and never beyond the deadline. `overloaded` is not retried: the refusal sheds
//! load, and a retry here would put it back; nor is an open breaker's `upstream_unavailable`, a lock that
//! was not got (the stream is stuck for longer than a retry lasts) or a statement that took too long.

mod budget;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use stream_core::error::ErrorCode;
use tokio::time::{Instant, sleep_until};

use self::budget::Budget;
use super::{Call, DatabaseVersions, Figure, Pending, Upstream, UpstreamError};
use crate::lock::Lock;
use crate::metrics::RETRIES;

/// Tries of one call after the first.
pub const MAX_RETRIES: u32 = 2;

/// The bound of the first wait; that of the second is twice as long.
const BASE_DELAY: Duration = Duration::from_millis(50);

/// Less time than this before the deadline is not worth a try.
const WORTH_A_TRY: Duration = Duration::from_millis(100);

/// A number from 0 to 1, at random.
pub type Random = Arc<dyn Fn() -> f64 + Send + Sync>;

/// An upstream whose transient failures are tried again.
#[derive(Clone)]
pub struct Retrying<U> {
    upstream: Arc<U>,
    budget: Arc<Lock<Budget>>,
    random: Random,
}

impl<U: Upstream + 'static> Retrying<U> {
    pub fn new(upstream: U) -> Self {
        Self::with_random(upstream, Arc::new(random_fraction))
    }

    pub fn with_random(upstream: U, random: Random) -> Self {
        Self {
            upstream: Arc::new(upstream),
            budget: Arc::default(),
            random,
        }
    }

    async fn run(
        upstream: Arc<U>,
        budget: Arc<Lock<Budget>>,
        random: Random,
        call: Arc<Call>,
    ) -> Result<Box<RawValue>, UpstreamError> {
        budget.lock().deposit();
        let mut retries = 0;
        loop {
            let error = match upstream.call(call.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let may_retry = retries < MAX_RETRIES && is_transient(&error) && call.is_repeatable();
            if !may_retry {
                return Err(error);
            }
            let retry_at = Instant::now() + delay(retries, &error, random());
            if retry_at + WORTH_A_TRY > call.deadline || !budget.lock().withdraw() {
                return Err(error);
            }
            let operation = call.operation.name;
            tracing::debug!(operation, %error, "trying again");
            metrics::counter!(RETRIES, "operation" => operation).increment(1);
            sleep_until(retry_at).await;
            retries += 1;
        }
    }
}

/// Whether the same call may succeed a moment later.
fn is_transient(error: &UpstreamError) -> bool {
    match error {
        UpstreamError::Unavailable { .. } => true,
        UpstreamError::Refused { code, .. } => matches!(
            code,
            ErrorCode::ServerStopping
                | ErrorCode::ServerCrashed
                | ErrorCode::ServerStarting
                | ErrorCode::TooManyConnections
                | ErrorCode::Deadlock
        ),
        UpstreamError::Unexpected { .. } => false,
    }
}

/// The wait before the retry of this number, from 0.
fn delay(retry: u32, error: &UpstreamError, random: f64) -> Duration {
    let bound = BASE_DELAY * 2_u32.saturating_pow(retry);
    let jittered = bound.mul_f64(random.clamp(0.0, 1.0));
    let asked = match error {
        UpstreamError::Refused { retry_after_ms, .. } => retry_after_ms.unwrap_or(0),
        _ => 0,
    };
    jittered.max(Duration::from_millis(asked))
}

/// From the system's source; without one, the middle.
fn random_fraction() -> f64 {
    let bits = getrandom::u32().unwrap_or(u32::MAX / 2);
    f64::from(bits) / f64::from(u32::MAX)
}

impl<U: Upstream + 'static> Upstream for Retrying<U> {
    fn call(&self, call: Arc<Call>) -> Pending<Box<RawValue>> {
        let (upstream, budget) = (self.upstream.clone(), self.budget.clone());
        Box::pin(Self::run(upstream, budget, self.random.clone(), call))
    }

    fn ping(&self) -> Pending<DatabaseVersions> {
        self.upstream.ping()
    }

    fn figures(&self) -> Pending<Vec<Figure>> {
        self.upstream.figures()
    }
}

impl<U> fmt::Debug for Retrying<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Retrying(..)")
    }
}

#[cfg(test)]
mod tests;
