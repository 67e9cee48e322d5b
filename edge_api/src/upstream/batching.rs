//! Natural batching: calls that arrive while one of the same kind is under way go out together when it ends.
//!
//! * Messages of one session, and heartbeats of all: a batch of heartbeats waits for nobody, so a stuck stream does
//!   not hold up the others.
//! * When nothing is in flight, a call goes out at once, as it is. Nothing ever waits for company.
//! * A batch goes out as the service, each item with the verified claims of its caller, by which the database judges
//!   it as that caller's own call; each caller gets the answer to the own item alone.
//! * Messages of a session are sent in the order of their arrival, one flight at a time. Only a call that is a flight by
//!   itself and takes longer than [`STALL`], because the row of its user is held for instance, is overtaken.
//! * A caller who has gone leaves the queue. An item that is in flight is stored or not; its id tells which.
//! * Behind a flight that does not end, a message waits for [`PATIENCE`] and is then refused as `overloaded`: it was not
//!   begun. A heartbeat goes alone after [`HEARTBEAT_PATIENCE`], and those that come after it at once.
//! * A slow item costs its batch [`MESSAGES_TIME`] or [`HEARTBEATS_TIME`] at most, once: then the messages of its session, or the
//!   heartbeats of its user, go alone for [`ALONE`].

mod flight;
mod item;
mod lanes;
mod slow;
mod waiting;

use std::sync::Arc;

use metrics::Histogram;
use serde_json::value::RawValue;
use stream_core::error::ErrorCode;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use self::lanes::{Boarding, Lanes, Left};
pub use self::waiting::{
    ALONE, HEARTBEAT_PATIENCE, HEARTBEATS_TIME, MAX_BYTES, MAX_ITEMS, MESSAGES_TIME, PATIENCE,
    SLOW_HEARTBEAT, STALL,
};
use self::waiting::{Key, lost, refused};
use super::breaker::ANSWER_GRACE;
use super::under_way::UnderWay;
use super::{Call, DatabaseVersions, Figure, Pending, Upstream, UpstreamError};
use crate::contract::{Contract, Operation};
use crate::metrics::BATCH_SIZE;

/// The operations by which batches are sent.
#[derive(Debug, Clone, Copy)]
pub struct BatchOperations {
    pub messages: &'static Operation,
    pub heartbeats: &'static Operation,
}

impl BatchOperations {
    /// None where a contract lacks one of them.
    pub fn of(contract: &'static Contract) -> Option<Self> {
        Some(Self {
            messages: contract.operation("send_messages")?,
            heartbeats: contract.operation("heartbeats")?,
        })
    }
}

/// An upstream in front of which calls are batched; a clone is the same one.
#[derive(Clone)]
pub struct Batching {
    inner: Arc<dyn Upstream>,
    operations: BatchOperations,
    lanes: Arc<Lanes>,
    /// The tasks that no caller owns.
    tasks: UnderWay,
    sizes: [Histogram; 2],
}

impl Batching {
    /// In front of an upstream that makes so many calls of one session at the same time.
    pub fn new(inner: Arc<dyn Upstream>, operations: BatchOperations, share: usize) -> Self {
        let size = |of: &'static str| metrics::histogram!(BATCH_SIZE, "operation" => of);
        Self {
            inner,
            operations,
            lanes: Arc::new(Lanes::in_share(share)),
            tasks: UnderWay::default(),
            sizes: [size("send_message"), size("heartbeat")],
        }
    }

    /// Returns when nothing is in flight but what its callers wait for themselves.
    pub async fn finish(&self) {
        self.tasks.finish().await;
    }

    fn record_size(&self, key: Key, size: usize) {
        let [messages, heartbeats] = &self.sizes;
        let sizes = match key {
            Key::Messages(_) => messages,
            Key::Heartbeats => heartbeats,
        };
        // At most MAX_ITEMS.
        sizes.record(u32::try_from(size).unwrap_or(u32::MAX));
    }

    async fn make(self, key: Key, call: Arc<Call>) -> Result<Box<RawValue>, UpstreamError> {
        match self.lanes.board(key, &call) {
            Boarding::Unbatched => self.inner.call(call).await,
            Boarding::Free => {
                self.record_size(key, 1);
                self.flight(key).fly_one(call).await
            }
            Boarding::Queued { ticket, answer } => self.wait(key, ticket, call, answer).await,
            Boarding::Full => Err(UpstreamError::OVERLOADED),
        }
    }

    async fn wait(
        self,
        key: Key,
        ticket: u64,
        call: Arc<Call>,
        mut answer: oneshot::Receiver<Result<Box<RawValue>, UpstreamError>>,
    ) -> Result<Box<RawValue>, UpstreamError> {
        let place = Place {
            lanes: &self.lanes,
            key,
            ticket,
        };
        loop {
            let wake_at = match self.lanes.stalls_at(key, ticket) {
                Some(stalls_at) => stalls_at.min(call.deadline),
                None => call.deadline + ANSWER_GRACE,
            };
            tokio::select! {
                biased;
                answer = &mut answer => {
                    return answer.unwrap_or_else(|_| Err(lost()));
                }
                () = sleep_until(wake_at) => {}
            }
            match self.lanes.leave_stalled(key, ticket, call.deadline) {
                Left::No => {}
                Left::InFlight if Instant::now() < call.deadline + ANSWER_GRACE => {}
                Left::InFlight => return Err(refused(ErrorCode::StatementTimeout)),
                Left::Yes { was_tried: true } => return Err(refused(ErrorCode::LockTimeout)),
                Left::Yes { was_tried: false } => break,
            }
        }
        drop(place);
        match key {
            // In its turn: a message that overtook a batch in flight would stand before it.
            Key::Messages(_) => Err(UpstreamError::OVERLOADED),
            Key::Heartbeats => self.inner.call(call).await,
        }
    }
}

impl Upstream for Batching {
    fn call(&self, call: Arc<Call>) -> Pending<Box<RawValue>> {
        match Key::of(&call) {
            Some(key) => Box::pin(self.clone().make(key, call)),
            None => self.inner.call(call),
        }
    }

    fn ping(&self) -> Pending<DatabaseVersions> {
        self.inner.ping()
    }

    fn figures(&self) -> Pending<Vec<Figure>> {
        self.inner.figures()
    }
}

/// The place of a caller in a queue, who leaves it when this is dropped.
struct Place<'a> {
    lanes: &'a Lanes,
    key: Key,
    ticket: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.lanes.leave(self.key, self.ticket);
    }
}

#[cfg(test)]
mod tests;
