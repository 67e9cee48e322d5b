//! The model where time matters: heartbeats, renewals of tokens, sweeps and counts.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;

use super::liveness::{HOST_TIMEOUT, INITIALIZING_TIMEOUT, Liveness, MAX_DURATION, PAUSED_TIMEOUT};
use super::model::{Stream, Token};
use super::operation::{FencingNumber, Person};

const BETWEEN_RENEWALS: i64 = 30;
const HOST_LOST: &str = "host_lost";

impl Stream {
    pub fn heartbeat(
        &mut self,
        person: Person,
        number: FencingNumber,
        foreground: Option<bool>,
    ) -> Result<Value, ErrorCode> {
        if self.state == StreamState::Ended {
            return Err(ErrorCode::StreamEnded);
        }
        let (status, is_due) = if person == Person::Seller {
            ("ok", self.heartbeat_of_host(number)?)
        } else {
            self.heartbeat_of_viewer(person, number, foreground)?
        };
        let token = if is_due {
            self.renew(person)
        } else {
            Value::Null
        };
        Ok(json!({
            "status": status, "state": self.state.as_str(), "generation": self.generation,
            "host_uid": self.generation, "viewer_count": self.counted,
            "head_seq": self.log.len(), "token_uid": token,
        }))
    }

    fn heartbeat_of_host(&mut self, number: FencingNumber) -> Result<bool, ErrorCode> {
        if matches!(number, FencingNumber::Stale) {
            return Err(ErrorCode::StaleHost);
        }
        let now = self.liveness.now;
        self.liveness.host_seen_at = Some(now);
        self.host_returns_from_a_loss();
        Ok(self.is_token_due(Person::Seller))
    }

    fn newest_token(&self, of: Person) -> Option<&Token> {
        self.tokens.iter().rfind(|token| token.of == of)
    }

    fn is_token_due(&self, of: Person) -> bool {
        let now = self.liveness.now;
        self.newest_token(of).is_some_and(|newest| {
            let last_quarter = (newest.expires_at - newest.issued_at) / 4;
            newest.held_until.min(newest.expires_at) <= now + last_quarter
                && newest.issued_at + BETWEEN_RENEWALS <= now
        })
    }

    /// The answer may be lost, until one was given after the end of the token that was held.
    fn renew(&mut self, of: Person) -> Value {
        let expires_at = self.liveness.token_ends_at();
        let held_until = match self.newest_token(of) {
            Some(newest) if newest.issued_at < newest.held_until => newest.held_until,
            _ => expires_at,
        };
        self.note_token(of, expires_at, held_until)["uid"].clone()
    }

    /// A sign of life of a host who sends heartbeats; whether it changes the state.
    pub fn host_returns_from_a_loss(&mut self) -> bool {
        let now = self.liveness.now;
        self.liveness.host_seen_at = self.liveness.host_seen_at.map(|_| now);
        match self.liveness.error {
            Some((before, Some(HOST_LOST), deadline))
                if deadline > now && self.liveness.host_seen_at.is_some() =>
            {
                self.change(before, Some("host_returned"));
                true
            }
            _ => false,
        }
    }

    fn heartbeat_of_viewer(
        &mut self,
        person: Person,
        number: FencingNumber,
        foreground: Option<bool>,
    ) -> Result<(&'static str, bool), ErrorCode> {
        let now = self.liveness.now;
        let place = self.places.get_mut(&person).filter(|place| place.is_active);
        let place = place.ok_or(ErrorCode::NotViewer)?;
        if matches!(number, FencingNumber::Stale) {
            return Ok(("superseded", false));
        }
        place.lease.seen(now, foreground);
        Ok(("ok", self.is_token_due(person)))
    }

    /// Does what a sweep should do, and adds to what it should report.
    pub fn sweep(&mut self, handled: &mut BTreeMap<&'static str, i64>) {
        let mut note = |rule| *handled.entry(rule).or_insert(0) += 1;
        // Leases come before the streams whose viewers they are.
        let now = self.liveness.now;
        for place in self.places.values_mut() {
            if place.is_active && place.lease.ends_at() <= now {
                place.is_active = false;
                note("viewer_leases");
            }
        }
        // One that this sweep ends is checked by the next.
        if self.state == StreamState::Ended && !self.liveness.is_cleaned {
            self.liveness.is_cleaned = true;
            note("ended_resources");
        }
        if let Some(rule) = self.overdue() {
            note(rule);
            let to = if rule == HOST_LOST {
                StreamState::Error
            } else {
                StreamState::Ended
            };
            self.change(to, Some(rule));
        }
        for token in &mut self.tokens {
            if token.is_active && token.expires_at <= now {
                token.is_active = false;
                note("tokens");
            }
        }
    }

    fn overdue(&self) -> Option<&'static str> {
        let Liveness {
            now,
            state_changed_at,
            host_seen_at,
            ..
        } = self.liveness;
        let is_lost = host_seen_at.is_some_and(|at| at + HOST_TIMEOUT <= now);
        match (self.state, self.liveness.error) {
            (StreamState::Ended, _) => None,
            _ if now >= MAX_DURATION => Some("max_duration"),
            (StreamState::Initializing, _) if state_changed_at + INITIALIZING_TIMEOUT <= now => {
                Some("initializing_timeout")
            }
            (StreamState::Initializing | StreamState::Active, _) if is_lost => Some(HOST_LOST),
            (StreamState::Paused, _) if state_changed_at + PAUSED_TIMEOUT <= now => {
                Some("paused_timeout")
            }
            (_, Some((_, _, deadline))) if deadline <= now => Some("reconnect_timeout"),
            _ => None,
        }
    }

    /// The counting half of a tick.
    pub fn count(&mut self) {
        let active = self.viewer_count();
        if self.state != StreamState::Ended && active != self.counted {
            self.counted = active;
            self.peak = self.peak.max(active);
            self.count_events += 1;
        }
    }
}
