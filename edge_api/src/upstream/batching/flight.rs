//! A flight: one call, or a batch, until its answers are with their callers.

use std::sync::Arc;

use serde_json::value::RawValue;
use stream_core::error::ErrorCode;
use tokio::runtime::Handle;

use super::Batching;
use super::item::{ItemAnswer, read_answers};
use super::waiting::{Group, Key, Waiting, lost};
use crate::caller::Caller;
use crate::contract::{Argument, JsonText, Operation};
use crate::upstream::{Call, UpstreamError};

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
        // Without a runtime the process ends: whoever waits is told that the answer is lost.
        if let Ok(runtime) = Handle::try_current() {
            let flight = self.batching.flight(self.key);
            runtime.spawn(flight.fly(group));
        }
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

    fn batch_of(&self, key: Key) -> &'static Operation {
        match key {
            Key::Messages(_) => self.operations.messages,
            Key::Heartbeats => self.operations.heartbeats,
        }
    }

    /// Makes a call by itself, and ends it when its caller has gone.
    async fn make_alone(self, mut waiting: Waiting) {
        let call = self.inner.call(waiting.call);
        tokio::select! {
            biased;
            answer = call => {
                // Whoever has gone needs none.
                let _ = waiting.answer.send(answer);
            }
            () = waiting.answer.closed() => {}
        }
    }
}

impl Flight {
    async fn fly(mut self, mut group: Group) {
        self.batching.record_size(self.key, group.len());
        if group.len() == 1 {
            if let Some(alone) = group.pop_front() {
                self.batching.clone().make_alone(alone).await;
            }
            return;
        }
        let Some(batch) = batch(self.batching.batch_of(self.key), &group) else {
            self.make_each_alone(group);
            return;
        };
        let answer = self.batching.inner.call(Arc::new(batch)).await;
        let has_failed = answer.as_ref().err().is_some_and(is_of_the_batch);
        self.batching.lanes.note_batch(has_failed);
        match answer {
            Ok(json) => self.distribute(group, &json),
            Err(_) if has_failed => self.make_each_alone(group),
            Err(error) => {
                for waiting in group {
                    let _ = waiting.answer.send(Err(error.clone()));
                }
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
                let now = tokio::time::Instant::now();
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
                for waiting in group {
                    tokio::spawn(self.batching.clone().make_alone(waiting));
                }
            }
        }
    }
}

/// Whether it was the batch that was refused, for no reason that an item alone would be refused for.
fn is_of_the_batch(error: &UpstreamError) -> bool {
    match error {
        UpstreamError::Unexpected { .. } => true,
        UpstreamError::Unavailable { .. } => false,
        UpstreamError::Refused { code, .. } => matches!(
            code,
            ErrorCode::PermissionDenied
                | ErrorCode::Forbidden
                | ErrorCode::Unauthenticated
                | ErrorCode::TokenInvalid
                | ErrorCode::InvalidArgument
                | ErrorCode::InvalidSyntax
                | ErrorCode::InvalidEscape
                | ErrorCode::InvalidText
        ),
    }
}

/// The call of the service that makes all of them, by the latest of their deadlines.
fn batch(operation: &'static Operation, group: &Group) -> Option<Call> {
    let first = group.front()?;
    let deadline = group.iter().map(|waiting| waiting.call.deadline).max()?;
    let items: Option<Vec<&str>> = group
        .iter()
        .map(|waiting| waiting.item.as_deref())
        .collect();
    let items = RawValue::from_string(format!("[{}]", items?.join(","))).ok()?;
    Some(Call {
        operation,
        arguments: vec![Argument::Json(JsonText::new(&items))],
        caller: Caller {
            method: first.call.caller.method.clone(),
            path: first.call.caller.path.clone(),
            ..Caller::service()
        },
        deadline,
    })
}
