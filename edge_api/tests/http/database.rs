//! A database that records what it is asked and answers what it is told.

use std::sync::{Arc, Mutex};

use edge_api::auth::Caller;
use edge_api::upstream::{Call, Pending, Upstream, UpstreamError};
use serde_json::value::RawValue;

type Answer = Result<String, UpstreamError>;

#[derive(Clone)]
pub struct RecordingDatabase(Arc<Mutex<Recording>>);

struct Recording {
    answer: Behaviour,
    asked: Vec<(Caller, Call)>,
}

enum Behaviour {
    Answer(Answer),
    Panic,
    Hang,
}

impl RecordingDatabase {
    pub fn answering(json: &str) -> Self {
        Self::with(Behaviour::Answer(Ok(json.to_owned())))
    }

    pub fn failing(error: UpstreamError) -> Self {
        Self::with(Behaviour::Answer(Err(error)))
    }

    pub fn panicking() -> Self {
        Self::with(Behaviour::Panic)
    }

    pub fn hanging() -> Self {
        Self::with(Behaviour::Hang)
    }

    fn with(answer: Behaviour) -> Self {
        let asked = Vec::new();
        Self(Arc::new(Mutex::new(Recording { answer, asked })))
    }

    /// Every call so far.
    pub fn asked(&self) -> Vec<(Caller, Call)> {
        self.0
            .lock()
            .expect("no test panics with the lock")
            .asked
            .clone()
    }

    /// The one call of a test that makes one.
    pub fn only_call(&self) -> (Caller, Call) {
        let mut asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked.remove(0)
    }

    fn next(&self) -> Option<Answer> {
        match &self.0.lock().expect("no test panics with the lock").answer {
            Behaviour::Answer(answer) => Some(answer.clone()),
            Behaviour::Panic | Behaviour::Hang => None,
        }
    }

    fn panics(&self) -> bool {
        let recording = self.0.lock().expect("no test panics with the lock");
        matches!(recording.answer, Behaviour::Panic)
    }
}

impl Upstream for RecordingDatabase {
    fn call<'a>(&'a self, caller: &'a Caller, call: &'a Call) -> Pending<'a, Box<RawValue>> {
        Box::pin(async move {
            let asked = (caller.clone(), call.clone());
            self.0
                .lock()
                .expect("no test panics with the lock")
                .asked
                .push(asked);
            assert!(!self.panics(), "secret value of the request");
            match self.next() {
                Some(answer) => {
                    answer.map(|json| RawValue::from_string(json).expect("a test answers in JSON"))
                }
                None => std::future::pending().await,
            }
        })
    }

    fn ping(&self) -> Pending<'_, ()> {
        Box::pin(async move {
            match self.next() {
                Some(answer) => answer.map(|_| ()),
                None => std::future::pending().await,
            }
        })
    }
}
