//! Calls that wait for the end of a flight, and what they are to the flights of one key.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use stream_core::error::ErrorCode;
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

use crate::caller::Role;
use crate::upstream::{Call, Subject, UpstreamError};

/// The most items of one batch, at which the costs of a transaction hardly count any more.
pub const MAX_ITEMS: usize = 64;

/// The most bytes of one batch; an item that is larger goes alone.
pub const MAX_BYTES: usize = 256 * 1024;

/// After this time a flight of one call is a flight no more: the next one departs beside it.
pub const STALL: Duration = Duration::from_millis(200);

/// A message waits so long for the flight before it: longer than a database that is well stands still, as for a
/// checkpoint, and longer than a flight of one and one that meets a lock.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// A heartbeat waits so long for the flight before it: longer than one of one call holds it up.
pub const HEARTBEAT_PATIENCE: Duration = Duration::from_millis(250);

/// What a batch of heartbeats may take, of which one may wait for a lock.
pub const HEARTBEATS_TIME: Duration = Duration::from_secs(1);

/// What a batch of messages may take: as long as a database that is well stands still, twice. Then the items that can be made
/// again go alone, with the rest of their time.
pub const MESSAGES_TIME: Duration = Duration::from_secs(2);

/// A heartbeat that takes so long by itself costs those in its batch too much.
pub const SLOW_HEARTBEAT: Duration = Duration::from_millis(500);

/// The calls of whoever was slow go alone for so long.
pub const ALONE: Duration = Duration::from_secs(30);

/// Whose calls cost others their time when they go together: a hook of the application is slow for them, or waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Slow {
    /// A session: which of the messages of a batch it was is not known.
    MessagesIn(Uuid),
    /// A user.
    HeartbeatsOf(Uuid),
}

/// What goes out one flight at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// The messages of a session.
    Messages(Uuid),
    Heartbeats,
}

impl Key {
    /// How long a call waits for the flight before it.
    pub(super) const fn patience(self) -> Duration {
        match self {
            Self::Messages(_) => PATIENCE,
            Self::Heartbeats => HEARTBEAT_PATIENCE,
        }
    }

    /// None for a call that is not batched: of another operation, or of a caller whom claims do not decide.
    pub(super) fn of(call: &Call) -> Option<Self> {
        if call.caller.role != Role::Authenticated {
            return None;
        }
        match call.operation.name {
            "send_message" => match call.subject {
                Some(Subject::Session(session)) => Some(Self::Messages(session)),
                _ => None,
            },
            "heartbeat" => Some(Self::Heartbeats),
            _ => None,
        }
    }
}

/// A call that waits for the end of a flight.
pub(super) struct Waiting {
    pub(super) ticket: u64,
    pub(super) call: Arc<Call>,
    /// The call as an item of a batch; none where it goes alone.
    pub(super) item: Option<String>,
    pub(super) queued_at: Instant,
    /// Whether a batch has failed to lock what the item needs.
    pub(super) was_tried: bool,
    pub(super) answer: oneshot::Sender<Result<Box<RawValue>, UpstreamError>>,
}

impl Waiting {
    pub(super) fn bytes(&self) -> usize {
        self.item.as_ref().map_or(0, String::len)
    }
}

/// The calls of one flight, in the order of their arrival.
pub(super) type Group = VecDeque<Waiting>;

pub(super) const fn refused(code: ErrorCode) -> UpstreamError {
    UpstreamError::Refused {
        code,
        retry_after_ms: None,
    }
}

/// The task of a flight has ended without an answer: a bug, or the end of the process.
pub(super) fn lost() -> UpstreamError {
    UpstreamError::Unexpected {
        reason: "a flight ended without an answer".to_owned(),
    }
}
