//! A database that records what it is asked and answers what it is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use edge_api::caller::Caller;
use edge_api::upstream::{Call, DatabaseVersions, Figure, Pending, Upstream, UpstreamError};
use serde_json::value::RawValue;
use tokio::sync::{Notify, watch};

type Answer = Result<String, UpstreamError>;

#[derive(Clone)]
pub struct RecordingDatabase {
    recording: Arc<Mutex<Recording>>,
    calls: watch::Sender<usize>,
    under_way: watch::Sender<usize>,
    pings: Arc<AtomicUsize>,
    readings: Arc<AtomicUsize>,
    versions: Arc<DatabaseVersions>,
    cancels: bool,
}

/// A call while its future is there.
struct UnderWay(watch::Sender<usize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|under_way| *under_way -= 1);
    }
}

struct Recording {
    behaviour: Behaviour,
    asked: Vec<(Caller, Call)>,
}

#[derive(Clone)]
enum Behaviour {
    Answer(Answer),
    AnswerAfter(Arc<Notify>),
    Panic,
    Hang,
}

impl RecordingDatabase {
    pub fn answering(json: &str) -> Self {
        Self::with(Behaviour::Answer(Ok(json.to_owned())))
    }

    /// Answers null, each time when it is told to.
    pub fn answering_after(go_on: Arc<Notify>) -> Self {
        Self::with(Behaviour::AnswerAfter(go_on))
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

    fn with(behaviour: Behaviour) -> Self {
        let asked = Vec::new();
        Self {
            recording: Arc::new(Mutex::new(Recording { behaviour, asked })),
            calls: watch::Sender::new(0),
            under_way: watch::Sender::new(0),
            pings: Arc::default(),
            readings: Arc::default(),
            versions: Arc::default(),
            cancels: true,
        }
    }

    /// From now on answers `json`.
    pub fn recover(&self, json: &str) {
        self.lock().behaviour = Behaviour::Answer(Ok(json.to_owned()));
    }

    /// Every call so far.
    pub fn asked(&self) -> Vec<(Caller, Call)> {
        self.lock().asked.clone()
    }

    /// The one call of a test that makes one.
    pub fn only_call(&self) -> (Caller, Call) {
        let mut asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked.remove(0)
    }

    /// Waits for the call that is the `count`th.
    pub async fn is_asked(&self, count: usize) {
        let mut calls = self.calls.subscribe();
        let reached = calls.wait_for(|calls| *calls >= count).await;
        reached.expect("this database sends");
    }

    /// How many calls are neither answered nor dropped.
    pub fn under_way(&self) -> usize {
        *self.under_way.borrow()
    }

    /// With another contract installed than the one that is built in.
    pub fn with_contract_version(self, version: &str) -> Self {
        let versions = DatabaseVersions {
            extension: Some("0.1.0".to_owned()),
            contract: Some(version.to_owned()),
        };
        Self {
            versions: Arc::new(versions),
            ..self
        }
    }

    /// Works on when a call is dropped, as far as anybody knows.
    pub fn without_cancelling(self) -> Self {
        Self {
            cancels: false,
            ..self
        }
    }

    /// How often it was asked whether it answers.
    pub fn pings(&self) -> usize {
        self.pings.load(Ordering::Relaxed)
    }

    /// How often its figures were read.
    pub fn readings(&self) -> usize {
        self.readings.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Recording> {
        self.recording.lock().expect("no test panics with the lock")
    }

    async fn answer(&self) -> Answer {
        let behaviour = self.lock().behaviour.clone();
        match behaviour {
            Behaviour::Answer(answer) => answer,
            Behaviour::AnswerAfter(go_on) => {
                go_on.notified().await;
                Ok("null".to_owned())
            }
            Behaviour::Panic => panic!("secret value of the request"),
            Behaviour::Hang => std::future::pending().await,
        }
    }
}

impl Upstream for RecordingDatabase {
    fn call(&self, call: Arc<Call>) -> Pending<Box<RawValue>> {
        let database = self.clone();
        Box::pin(async move {
            let asked = (call.caller.clone(), Call::clone(&call));
            database.lock().asked.push(asked);
            database.calls.send_modify(|calls| *calls += 1);
            database.under_way.send_modify(|under_way| *under_way += 1);
            let _under_way = UnderWay(database.under_way.clone());
            let answer = database.answer().await;
            answer.map(|json| RawValue::from_string(json).expect("a test answers in JSON"))
        })
    }

    fn ping(&self) -> Pending<DatabaseVersions> {
        let database = self.clone();
        Box::pin(async move {
            database.pings.fetch_add(1, Ordering::Relaxed);
            let versions = database.versions.as_ref().clone();
            database.answer().await.map(|_| versions)
        })
    }

    fn figures(&self) -> Pending<Vec<Figure>> {
        let database = self.clone();
        Box::pin(async move {
            database.readings.fetch_add(1, Ordering::Relaxed);
            let json = database.answer().await?;
            Ok(serde_json::from_str(&json).expect("a test answers with figures"))
        })
    }

    fn cancels(&self) -> bool {
        self.cancels
    }
}
