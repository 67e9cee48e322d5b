//! The states of a circuit breaker: pure, with the time as an argument.
//!
//! CLOSED lets every call pass and counts failures that follow each other. At the threshold it is OPEN
//! and refuses; when its timeout is over it is HALF_OPEN and lets one call pass, the probe, whose
//! outcome closes or opens it.

use std::mem::discriminant;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::upstream::Subject;

/// Consecutive failures that open a breaker.
pub const FAILURE_THRESHOLD: u32 = 5;

/// The time from opening to the probe.
pub const OPEN_TIMEOUT: Duration = Duration::from_secs(30);

/// While a probe is on its way, nobody can say how long it takes: others are told to wait this long.
pub const PROBE_WAIT: Duration = Duration::from_secs(1);

/// The wait for an answer that never came says something of the dependency only when it happens to
/// this many streams: all calls of one may wait behind one lock. An auction may be that of a stream, so
/// auctions count apart.
const MISSED_SUBJECTS: usize = 2;

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
    Missed(Option<Subject>),
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
    /// Missed deadlines since the last answer, with what they were about.
    missed: u32,
    missed_subjects: Vec<Subject>,
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
            missed_subjects: Vec::new(),
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
            Outcome::Missed(subject) => {
                self.missed = self.missed.saturating_add(1);
                self.note_subject(subject);
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
        let is_of_many = self
            .missed_subjects
            .iter()
            .any(|&subject| self.missed_like(subject) >= MISSED_SUBJECTS);
        let missed = if is_of_many { self.missed } else { 0 };
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

    /// More than the needed ones need not be remembered.
    fn note_subject(&mut self, subject: Option<Subject>) {
        if let Some(subject) = subject
            && self.missed_like(subject) < MISSED_SUBJECTS
            && !self.missed_subjects.contains(&subject)
        {
            self.missed_subjects.push(subject);
        }
    }

    /// The different ones of the same kind.
    fn missed_like(&self, subject: Subject) -> usize {
        let kind = discriminant(&subject);
        let like = |other: &&Subject| discriminant(*other) == kind;
        self.missed_subjects.iter().filter(like).count()
    }

    fn forget_failures(&mut self) {
        self.failures = 0;
        self.missed = 0;
        self.missed_subjects.clear();
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.round += 1;
        self.is_probing = false;
    }
}

#[cfg(test)]
mod tests;
