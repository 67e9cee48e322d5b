//! A database that plays what the text of each message says: "<number>:<outcome>".

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::contract::Argument;
use crate::upstream::{Call, DatabaseVersions, Pending, Subject, Upstream, UpstreamError};

#[derive(Clone)]
pub struct PlayedDatabase(Arc<Mutex<State>>);

struct State {
    took_ms: Vec<u64>,
    knows_service: bool,
    flights: Vec<(&'static str, usize)>,
    /// The messages that each session has made of them, in order.
    made: HashMap<Uuid, Vec<usize>>,
    locked: Vec<usize>,
    at_once: HashMap<Uuid, usize>,
    most_at_once: usize,
    last_deadline: Option<Instant>,
}

/// A flight with messages, until it ends or is dropped.
struct Flying {
    database: PlayedDatabase,
    session: Option<Uuid>,
}

impl Drop for Flying {
    fn drop(&mut self) {
        if let Some(session) = self.session {
            *self.database.lock().at_once.entry(session).or_default() -= 1;
        }
    }
}

impl PlayedDatabase {
    /// The flights take so long, one after the other; the last number is that of all others.
    pub fn taking(took_ms: &[u64]) -> Self {
        Self(Arc::new(Mutex::new(State {
            took_ms: took_ms.iter().rev().copied().collect(),
            knows_service: true,
            flights: Vec::new(),
            made: HashMap::new(),
            locked: Vec::new(),
            at_once: HashMap::new(),
            most_at_once: 0,
            last_deadline: None,
        })))
    }

    /// Whose login role may not become the service.
    pub fn without_service(self) -> Self {
        self.lock().knows_service = false;
        self
    }

    pub fn flights(&self) -> Vec<(&'static str, usize)> {
        self.lock().flights.clone()
    }

    pub fn made(&self, session: Uuid) -> Vec<usize> {
        self.lock().made.get(&session).cloned().unwrap_or_default()
    }

    pub fn most_at_once(&self) -> usize {
        self.lock().most_at_once
    }

    pub fn last_deadline(&self) -> Instant {
        self.lock().last_deadline.expect("a call")
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody has panicked")
    }

    async fn run(self, call: Arc<Call>) -> Result<Box<RawValue>, UpstreamError> {
        let name = call.operation.name;
        let items = items(&call);
        let session = items[0]["session_id"]
            .as_str()
            .and_then(|id| id.parse().ok());
        let session = session.filter(|_| name.starts_with("send_message"));
        let (took, _flying) = {
            let mut state = self.lock();
            state.flights.push((name, items.len()));
            state.last_deadline = Some(call.deadline);
            if let Some(session) = session {
                let at_once = state.at_once.entry(session).or_default();
                *at_once += 1;
                state.most_at_once = state.most_at_once.max(state.at_once[&session]);
            }
            let last = state.took_ms.len() == 1;
            let took = if last {
                state.took_ms[0]
            } else {
                state.took_ms.pop().unwrap_or(1)
            };
            let flying = Flying {
                database: self.clone(),
                session,
            };
            (took, flying)
        };
        let ends_at = Instant::now() + Duration::from_millis(took);
        sleep_until(ends_at.min(call.deadline)).await;
        if ends_at > call.deadline {
            return Err(UpstreamError::Refused {
                code: ErrorCode::StatementTimeout,
                retry_after_ms: None,
            });
        }
        if items.len() == 1 && !name.ends_with('s') {
            return self.answer(&items[0], session, true).map(raw);
        }
        if !self.lock().knows_service {
            return Err(UpstreamError::Refused {
                code: ErrorCode::PermissionDenied,
                retry_after_ms: None,
            });
        }
        if items.iter().any(|item| outcome(item).1 == "lost") {
            return Err(UpstreamError::Unavailable {
                reason: "lost".to_owned(),
            });
        }
        if session.is_some() && self.locks(&items) {
            // The stream is held, so none of its messages is made.
            let rows = vec![json!({"status": "lock_timeout"}); items.len()];
            return Ok(raw(numbered(rows)));
        }
        let rows = items.iter().map(|item| self.row(item, session));
        let answer = raw(numbered(rows.collect()));
        if items
            .iter()
            .any(|item| outcome(item).1 == "made and failed")
        {
            return Err(UpstreamError::Unexpected {
                reason: "status 500 without JSON".to_owned(),
            });
        }
        Ok(answer)
    }

    /// Whether one of the items meets a lock, which it does once.
    fn locks(&self, items: &[Value]) -> bool {
        let mut state = self.lock();
        let before = state.locked.len();
        for (number, outcome) in items.iter().map(outcome) {
            if outcome == "locked once" && !state.locked.contains(&number) {
                state.locked.push(number);
            }
        }
        state.locked.len() > before
    }

    fn row(&self, item: &Value, session: Option<Uuid>) -> Value {
        let field = if session.is_some() {
            "message"
        } else {
            "heartbeat"
        };
        match self.answer(item, session, false) {
            Ok(answer) => json!({"status": "ok", field: answer}),
            Err(UpstreamError::Refused {
                code,
                retry_after_ms,
            }) => {
                json!({"status": code.as_str(), "retry_after_ms": retry_after_ms, field: null})
            }
            Err(_) => json!({"status": "internal", field: null}),
        }
    }

    fn answer(
        &self,
        item: &Value,
        session: Option<Uuid>,
        is_alone: bool,
    ) -> Result<Value, UpstreamError> {
        let (number, outcome) = outcome(item);
        let refused = |code, retry_after_ms| UpstreamError::Refused {
            code,
            retry_after_ms,
        };
        let mut state = self.lock();
        if outcome == "locked once" && !is_alone && !state.locked.contains(&number) {
            state.locked.push(number);
            return Err(refused(ErrorCode::LockTimeout, None));
        }
        if let Some(session) = session {
            state.made.entry(session).or_default().push(number);
        }
        match outcome.as_str() {
            "banned" => Err(refused(ErrorCode::Banned, None)),
            "rate_limited" => Err(refused(ErrorCode::RateLimited, Some(number as u64))),
            "internal" => Err(UpstreamError::Unexpected {
                reason: "SQLSTATE P0001".to_owned(),
            }),
            _ => Ok(json!({
                "user": item["claims"]["sub"], "session": item["session_id"], "number": number,
            })),
        }
    }
}

/// Each row with the place of its item.
fn numbered(mut rows: Vec<Value>) -> Value {
    for (row, place) in rows.iter_mut().zip(1..) {
        row["item"] = json!(place);
    }
    rows.into()
}

/// The items of a batch, or the single call in the form of one.
fn items(call: &Call) -> Vec<Value> {
    if let Some(Argument::Json(items)) = call.argument("items") {
        return serde_json::from_str(items.as_str()).expect("an array");
    }
    let claims: Value = serde_json::from_str(call.caller.claims.as_json()).expect("JSON");
    vec![json!({"session_id": session_of(call), "claims": claims})]
}

fn session_of(call: &Call) -> Option<Uuid> {
    match call.subject {
        Some(Subject::Session(session)) => Some(session),
        _ => None,
    }
}

/// Claims of the service hold no text.
fn outcome(item: &Value) -> (usize, String) {
    let text = item["claims"]["note"].as_str().unwrap_or("0:stored");
    let (number, outcome) = text.split_once(':').expect("a number");
    (number.parse().expect("a number"), outcome.to_owned())
}

fn raw(value: Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).expect("JSON")
}

impl Upstream for PlayedDatabase {
    fn call(&self, call: Arc<Call>) -> Pending<Box<RawValue>> {
        Box::pin(self.clone().run(call))
    }

    fn ping(&self) -> Pending<DatabaseVersions> {
        Box::pin(async { Ok(DatabaseVersions::default()) })
    }
}
