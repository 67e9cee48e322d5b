//! The states of a circuit breaker: pure, with the time as an argument.
//!
//! CLOSED lets every call pass and counts failures that follow each other. At the threshold it is OPEN
//! and refuses; when its timeout is over it is HALF_OPEN and lets one call pass, the probe, whose
//! outcome closes or opens it.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;
use uuid::Uuid;

/// Consecutive failures that open a breaker.
pub const FAILURE_THRESHOLD: u32 = 5;

/// The time from opening to the probe.
pub const OPEN_TIMEOUT: Duration = Duration::from_secs(30);

/// While a probe is on its way, nobody can say how long it takes: others are told to wait this long.
pub const PROBE_WAIT: Duration = Duration::from_secs(1);

/// The wait for an answer that never came says something of the dependency only when it happens to
/// this many sessions: all calls of one session may wait behind one lock.
const MISSED_SESSIONS: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    Closed,
    Open,
    HalfOpen,
}

/// What a call says of the dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It answered, be it with a refusal.
    Answered,
    /// It could not be reached, or lost the connection.
    Failed,
    /// No answer came in time.
    Missed(Option<Uuid>),
    /// It was never asked, or its caller left before it answered.
    Unknown,
}

/// Permission for one call, to be returned with its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit {
    /// Calls that were let through before the state changed say nothing of the present one.
    round: u64,
}

#[derive(Debug)]
pub struct Machine {
    pub(super) state: State,
    round: u64,
    failures: u32,
    /// Missed deadlines since the last answer, with their sessions.
    missed: u32,
    missed_sessions: Vec<Uuid>,
    last_failure_at: Option<Instant>,
    /// When OPEN is over.
    open_until: Option<Instant>,
    is_probing: bool,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            state: State::Closed,
            round: 0,
            failures: 0,
            missed: 0,
            missed_sessions: Vec::new(),
            last_failure_at: None,
            open_until: None,
            is_probing: false,
        }
    }
}

impl Machine {
    /// The state as of `now`.
    pub fn state(&mut self, now: Instant) -> State {
        if self.state == State::Open && self.open_until.is_none_or(|until| now >= until) {
            self.enter(State::HalfOpen);
        }
        self.state
    }

    /// Permission for a call; or the time after which it is worth asking again.
    pub fn admit(&mut self, now: Instant) -> Result<Permit, Duration> {
        self.check(now)?;
        self.is_probing = self.state == State::HalfOpen;
        Ok(Permit { round: self.round })
    }

    /// Whether a call would be let through.
    pub fn check(&mut self, now: Instant) -> Result<(), Duration> {
        match self.state(now) {
            State::Open => {
                let until = self.open_until.unwrap_or(now);
                Err(until.saturating_duration_since(now))
            }
            State::HalfOpen if self.is_probing => Err(PROBE_WAIT),
            State::Closed | State::HalfOpen => Ok(()),
        }
    }

    /// Takes the outcome of a call that was let through.
    pub fn record(&mut self, permit: Permit, outcome: Outcome, now: Instant) {
        if permit.round != self.round {
            return;
        }
        match outcome {
            Outcome::Unknown => self.is_probing = false,
            Outcome::Answered if self.state == State::HalfOpen => self.reset(),
            Outcome::Answered => self.forget_failures(),
            Outcome::Failed => {
                self.failures = self.failures.saturating_add(1);
                self.fail(now);
            }
            Outcome::Missed(session) => {
                self.missed = self.missed.saturating_add(1);
                self.note_session(session);
                self.fail(now);
            }
        }
    }

    /// Opens, as the last failure of five would.
    pub fn trip(&mut self, now: Instant) {
        self.open_until = Some(now + OPEN_TIMEOUT);
        self.enter(State::Open);
    }

    /// Closes, and counts from 0.
    pub fn reset(&mut self) {
        self.forget_failures();
        self.open_until = None;
        self.enter(State::Closed);
    }

    /// The consecutive failures that count towards the threshold.
    pub fn failure_count(&self) -> u32 {
        let missed = match self.missed_sessions.len() {
            MISSED_SESSIONS.. => self.missed,
            _ => 0,
        };
        self.failures.saturating_add(missed)
    }

    pub fn last_failure_at(&self) -> Option<Instant> {
        self.last_failure_at
    }

    fn fail(&mut self, now: Instant) {
        self.last_failure_at = Some(now);
        if self.state == State::HalfOpen || self.failure_count() >= FAILURE_THRESHOLD {
            self.trip(now);
        }
    }

    /// More than the needed sessions need not be remembered.
    fn note_session(&mut self, session: Option<Uuid>) {
        if let Some(session) = session
            && self.missed_sessions.len() < MISSED_SESSIONS
            && !self.missed_sessions.contains(&session)
        {
            self.missed_sessions.push(session);
        }
    }

    fn forget_failures(&mut self) {
        self.failures = 0;
        self.missed = 0;
        self.missed_sessions.clear();
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.round += 1;
        self.is_probing = false;
    }
}

#[cfg(test)]
mod tests;
