//! A flight: one call, or a batch, until its answers are with their callers.

use std::sync::Arc;

use serde_json::value::RawValue;
use stream_core::error::ErrorCode;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::Batching;
use super::item::{ItemAnswer, read_answers};
use super::waiting::{
    Group, HEARTBEATS_TIME, Key, MESSAGES_TIME, SLOW_HEARTBEAT, STALL, Slow, Waiting, lost,
};
use crate::caller::Caller;
use crate::contract::{Argument, JsonText, Operation};
use crate::upstream::{Call, Subject, UpstreamError};

/// A flight of a key that is under way. When it ends, dropped or not, the next one departs.
pub(super) struct Flight {
    batching: Batching,
    key: Key,
    /// Calls whose turn is first in the next flight.
    again: Group,
}

impl Drop for Flight {
    fn drop(&mut self) {
        let again = std::mem::take(&mut self.again);
        let Some(group) = self.batching.lanes.depart(self.key, again) else {
            return;
        };
        let flight = self.batching.flight(self.key);
        self.batching.spawn(flight.fly(group));
    }
}

impl Batching {
    pub(super) fn flight(&self, key: Key) -> Flight {
        Flight {
            batching: self.clone(),
            key,
            again: Group::new(),
        }
    }

    /// Runs a task that outlives its callers.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // Without a runtime the process ends: whoever waits is told that the answer is lost.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let counted = self.tasks.begin();
        runtime.spawn(async move {
            task.await;
            drop(counted);
        });
    }

    fn batch_of(&self, key: Key) -> &'static Operation {
        match key {
            Key::Messages(_) => self.operations.messages,
            Key::Heartbeats => self.operations.heartbeats,
        }
    }
}

/// Hands the answer of a call to its caller, and ends it when that one has gone.
async fn hand_over(
    made: impl Future<Output = Result<Box<RawValue>, UpstreamError>>,
    mut answer: oneshot::Sender<Result<Box<RawValue>, UpstreamError>>,
) {
    tokio::select! {
        biased;
        made = made => {
            // Whoever has gone needs none.
            let _ = answer.send(made);
        }
        () = answer.closed() => {}
    }
}

/// Makes a heartbeat that went with others in vain, and notes whether it was the one that took long.
async fn heartbeat_alone(
    batching: Batching,
    call: Arc<Call>,
) -> Result<Box<RawValue>, UpstreamError> {
    let begun_at = Instant::now();
    let user = call.caller.user_id;
    let answer = batching.inner.call(call).await;
    if let Some(user) = user
        && begun_at.elapsed() >= SLOW_HEARTBEAT
    {
        batching.lanes.note_slow(Slow::HeartbeatsOf(user));
    }
    answer
}

impl Flight {
    /// Makes one call. When it takes long, the flight ends before it does.
    pub(super) async fn fly_one(self, call: Arc<Call>) -> Result<Box<RawValue>, UpstreamError> {
        let batching = self.batching.clone();
        let mut flight = Some(self);
        let mut made = batching.inner.call(call);
        if let Ok(answer) = timeout(STALL, &mut made).await {
            return answer;
        }
        let overtaken = flight
            .as_ref()
            .and_then(|flight| batching.lanes.overtake(flight.key));
        if overtaken.is_some() {
            flight = None;
        }
        let answer = made.await;
        drop((flight, overtaken));
        answer
    }

    async fn fly(mut self, mut group: Group) {
        self.batching.record_size(self.key, group.len());
        if group.len() == 1 {
            if let Some(Waiting { call, answer, .. }) = group.pop_front() {
                hand_over(self.fly_one(call), answer).await;
            }
            return;
        }
        let Some(batch) = batch(self.key, self.batching.batch_of(self.key), &group) else {
            self.make_each_alone(group);
            return;
        };
        let answer = self.batching.inner.call(Arc::new(batch)).await;
        let failure = answer.as_ref().err().map(Failure::of);
        let is_refused = matches!(failure, Some(Failure::OfBatch | Failure::Unknown));
        self.batching.lanes.note_batch(is_refused);
        if let (Some(Failure::Waited), Key::Messages(session)) = (failure, self.key) {
            self.batching.lanes.note_slow(Slow::MessagesIn(session));
        }
        match answer {
            Ok(json) => self.distribute(group, &json),
            Err(error) => {
                let is_made_alone = |waiting: &Waiting| match failure {
                    Some(Failure::OfBatch) => true,
                    // It may have been stored: the id of a message keeps it from being stored twice. After a wait the items have
                    // more time than the batch had.
                    Some(Failure::Unknown | Failure::Waited) => waiting.call.is_repeatable(),
                    Some(Failure::OfEach) | None => false,
                };
                let (alone, failed): (Group, Group) = group.into_iter().partition(is_made_alone);
                for waiting in failed {
                    let _ = waiting.answer.send(Err(error.clone()));
                }
                self.make_each_alone(alone);
            }
        }
    }

    fn distribute(&mut self, group: Group, json: &RawValue) {
        let Some(answers) = read_answers(json, group.len()) else {
            for waiting in group {
                let _ = waiting.answer.send(Err(lost()));
            }
            return;
        };
        let mut locked = Group::new();
        for (waiting, answer) in group.into_iter().zip(answers) {
            match answer {
                ItemAnswer::Made(answer) => {
                    let _ = waiting.answer.send(answer);
                }
                ItemAnswer::Locked => locked.push_back(waiting),
            }
        }
        match self.key {
            // The first of them goes alone and waits for the lock in Postgres's own queue; the others go after it.
            Key::Messages(_) => {
                let now = Instant::now();
                for (place, waiting) in locked.iter_mut().enumerate() {
                    waiting.was_tried = true;
                    waiting.queued_at = now;
                    if place == 0 {
                        waiting.item = None;
                    }
                }
                self.again = locked;
            }
            Key::Heartbeats => self.make_each_alone(locked),
        }
    }

    /// Makes messages one after the other, and heartbeats beside whatever comes next.
    fn make_each_alone(&mut self, group: Group) {
        match self.key {
            Key::Messages(_) => {
                self.again = group
                    .into_iter()
                    .map(|waiting| Waiting {
                        item: None,
                        ..waiting
                    })
                    .collect();
            }
            Key::Heartbeats => {
                for Waiting { call, answer, .. } in group {
                    let made = heartbeat_alone(self.batching.clone(), call);
                    self.batching.spawn(hand_over(made, answer));
                }
            }
        }
    }
}

/// What the failure of a batch says of its items.
#[derive(Debug, Clone, Copy)]
enum Failure {
    /// The batch was refused, for no reason that an item alone would be refused for: nothing was done.
    OfBatch,
    /// The same or, through PostgREST, an answer that was lost on its way: it may be done.
    Unknown,
    /// It took longer than it may.
    Waited,
    /// Each item alone would fail like that.
    OfEach,
}

impl Failure {
    fn of(error: &UpstreamError) -> Self {
        match error {
            UpstreamError::Unexpected { .. } => Self::Unknown,
            UpstreamError::Unavailable { .. } => Self::OfEach,
            UpstreamError::Refused { code, .. } => match code {
                ErrorCode::PermissionDenied
                | ErrorCode::Forbidden
                | ErrorCode::Unauthenticated
                | ErrorCode::TokenInvalid
                | ErrorCode::InvalidArgument
                | ErrorCode::InvalidSyntax
                | ErrorCode::InvalidEscape
                | ErrorCode::InvalidText => Self::OfBatch,
                ErrorCode::StatementTimeout | ErrorCode::LockTimeout => Self::Waited,
                _ => Self::OfEach,
            },
        }
    }
}

/// The call of the service that makes all of them, by the latest of their deadlines, and early enough for each to be made
/// alone.
fn batch(key: Key, operation: &'static Operation, group: &Group) -> Option<Call> {
    let first = group.front()?;
    let deadline = group.iter().map(|waiting| waiting.call.deadline).max()?;
    let (deadline, subject) = match key {
        Key::Messages(session) => {
            let due_at = deadline.min(Instant::now() + MESSAGES_TIME);
            (due_at, Some(Subject::Session(session)))
        }
        Key::Heartbeats => {
            let is_of_first = |waiting: &Waiting| waiting.call.subject == first.call.subject;
            let subject = first.call.subject.filter(|_| group.iter().all(is_of_first));
            (deadline.min(Instant::now() + HEARTBEATS_TIME), subject)
        }
    };
    let items: Option<Vec<&str>> = group
        .iter()
        .map(|waiting| waiting.item.as_deref())
        .collect();
    let items = RawValue::from_string(format!("[{}]", items?.join(","))).ok()?;
    Some(Call {
        operation,
        arguments: vec![Argument::Json(JsonText::new(&items))],
        subject,
        caller: Caller {
            method: first.call.caller.method.clone(),
            path: first.call.caller.path.clone(),
            ..Caller::service()
        },
        deadline,
    })
}
