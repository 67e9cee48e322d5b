//! A circuit breaker in front of a dependency: while it cannot be reached, calls are refused at once.
//!
//! Only failures to reach the dependency count: connections refused or lost, a server that stops,
//! crashed or starts (57P01 to 57P03), one without a free connection (53300), and answers that never
//! came on two streams at least. A refusal is an answer; so are a lock that was not got (55P03), a
//! statement that took too long (57014) and a deadlock (40P01): one stuck stream leaves it closed.

mod machine;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use stream_core::error::ErrorCode;
use tokio::time::{Instant, timeout_at};

pub use self::machine::{FAILURE_THRESHOLD, OPEN_TIMEOUT, PROBE_WAIT, State};
use self::machine::{Machine, Outcome, Permit};
use super::{Call, DatabaseVersions, Figure, Pending, Subject, Upstream, UpstreamError};
use crate::deadline::LONGEST;
use crate::lock::Lock;
use crate::metrics::{BREAKER_OPENED, BREAKER_STATE};

/// After a call's deadline: the dependency's own refusal, which names the reason, comes first.
pub const ANSWER_GRACE: Duration = Duration::from_millis(500);

/// The breaker of one dependency, by its name; every copy of the service has its own.
#[derive(Debug)]
pub struct Breaker {
    name: &'static str,
    watched: Lock<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    machine: Machine,
    last_failure_time: Option<Timestamp>,
}

/// A breaker as it stands, in the words of the circuit breaker pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    pub breaker: &'static str,
    pub state: State,
    pub failure_count: u32,
    pub failure_threshold: u32,
    /// From opening to the probe, in milliseconds.
    pub timeout: u64,
    pub last_failure_time: Option<String>,
}

impl Breaker {
    /// A closed one.
    pub fn new(name: &'static str) -> Arc<Self> {
        metrics::gauge!(BREAKER_STATE, "dependency" => name).set(0.0);
        let watched = Lock::default();
        Arc::new(Self { name, watched })
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn snapshot(&self) -> Snapshot {
        self.change(|watched| Snapshot {
            breaker: self.name,
            state: watched.machine.state(Instant::now()),
            failure_count: watched.machine.failure_count(),
            failure_threshold: FAILURE_THRESHOLD,
            timeout: u64::try_from(OPEN_TIMEOUT.as_millis()).unwrap_or(u64::MAX),
            last_failure_time: watched.last_failure_time.map(|time| time.to_string()),
        })
    }

    /// Opens it by hand.
    pub fn trip(&self) {
        self.change(|watched| watched.machine.trip(Instant::now()));
    }

    /// Closes it by hand.
    pub fn reset(&self) {
        self.change(|watched| watched.machine.reset());
    }

    /// Runs an operation of the dependency; refused at once while the breaker is open. `deadline` is
    /// when its answer is due, `subject` what it is about.
    pub async fn execute<T>(
        self: Arc<Self>,
        deadline: Instant,
        subject: Option<Subject>,
        operation: impl Future<Output = Result<T, UpstreamError>>,
    ) -> Result<T, UpstreamError> {
        let permit = self.admit()?;
        // Dropped before an outcome is known, it gives the place of a probe to the next call.
        let mut open = OpenCall {
            breaker: self,
            permit,
            outcome: Outcome::Unknown,
        };
        match timeout_at(deadline + ANSWER_GRACE, operation).await {
            Ok(result) => {
                open.outcome = result
                    .as_ref()
                    .map_or_else(outcome_of, |_| Outcome::Answered);
                result
            }
            Err(_) => {
                open.outcome = Outcome::Missed(subject);
                Err(UpstreamError::NO_ANSWER)
            }
        }
    }

    /// The refusal of calls at this moment, if there is one. It takes no probe's place.
    pub fn check(&self) -> Result<(), UpstreamError> {
        let refused = self.change(|watched| watched.machine.check(Instant::now()));
        refused.map_err(refusal)
    }

    fn admit(&self) -> Result<Permit, UpstreamError> {
        let admitted = self.change(|watched| watched.machine.admit(Instant::now()));
        admitted.map_err(refusal)
    }

    fn record(&self, permit: Permit, outcome: Outcome) {
        self.change(|watched| {
            let before = watched.machine.last_failure_at();
            watched.machine.record(permit, outcome, Instant::now());
            if watched.machine.last_failure_at() != before {
                watched.last_failure_time = Some(Timestamp::now());
            }
        });
    }

    /// Every change of state is logged once.
    fn change<T>(&self, change: impl FnOnce(&mut Watched) -> T) -> T {
        let mut watched = self.watched.lock();
        let before = watched.machine.state;
        let result = change(&mut watched);
        let (after, failures) = (watched.machine.state, watched.machine.failure_count());
        drop(watched);
        if before != after {
            self.report(after, failures);
        }
        result
    }

    fn report(&self, state: State, failures: u32) {
        let breaker = self.name;
        let level = match state {
            State::Closed => {
                tracing::info!(breaker, "circuit breaker closed");
                0.0
            }
            State::HalfOpen => {
                tracing::info!(breaker, "circuit breaker half open: one call probes");
                1.0
            }
            State::Open => {
                tracing::warn!(
                    breaker,
                    failures,
                    "circuit breaker opened: calls are refused"
                );
                metrics::counter!(BREAKER_OPENED, "dependency" => breaker).increment(1);
                2.0
            }
        };
        metrics::gauge!(BREAKER_STATE, "dependency" => breaker).set(level);
    }
}

/// A call that was let through and has not ended.
struct OpenCall {
    breaker: Arc<Breaker>,
    permit: Permit,
    outcome: Outcome,
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.breaker.record(self.permit, self.outcome);
    }
}

fn refusal(wait: Duration) -> UpstreamError {
    UpstreamError::Refused {
        code: ErrorCode::UpstreamUnavailable,
        retry_after_ms: Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
    }
}

/// What a failed call says of its dependency.
fn outcome_of(error: &UpstreamError) -> Outcome {
    match error {
        UpstreamError::Unavailable { .. } => Outcome::Failed,
        UpstreamError::Refused { code, .. } => match code {
            ErrorCode::ServerStopping
            | ErrorCode::ServerCrashed
            | ErrorCode::ServerStarting
            | ErrorCode::TooManyConnections => Outcome::Failed,
            // This service's own refusals: nobody was asked.
            ErrorCode::Overloaded | ErrorCode::UpstreamUnavailable => Outcome::Unknown,
            _ => Outcome::Answered,
        },
        UpstreamError::Unexpected { .. } => Outcome::Answered,
    }
}

/// An upstream behind a breaker, which learns of each call by its end: whoever drops one learns nothing of it.
#[derive(Debug)]
pub struct Guarded<U> {
    breaker: Arc<Breaker>,
    upstream: Arc<U>,
}

impl<U: Upstream> Guarded<U> {
    pub fn new(breaker: Arc<Breaker>, upstream: U) -> Self {
        let upstream = Arc::new(upstream);
        Self { breaker, upstream }
    }
}

impl<U: Upstream + 'static> Upstream for Guarded<U> {
    fn call(&self, call: Arc<Call>) -> Pending<Box<RawValue>> {
        let (breaker, upstream) = (self.breaker.clone(), self.upstream.clone());
        let subject = call.subject;
        let deadline = match upstream.cancels() {
            true => call.deadline,
            // A shorter one is no deadline of the dependency.
            false => call.deadline.max(Instant::now() + LONGEST),
        };
        // Asked when the breaker lets it be.
        let answer = async move { upstream.call(call).await };
        Box::pin(breaker.execute(deadline, subject, answer))
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

#[cfg(test)]
mod tests;
