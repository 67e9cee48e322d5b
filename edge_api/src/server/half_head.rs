//! The memory of heads that were sent in part.
//!
//! A head in one piece is hyper's before anything else is read. One that is waited for keeps its buffer until it is whole, or
//! until its time is over: all of these together, and those of one client, are bounded.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use metrics::counter;

use crate::budget::{Budget, Share};
use crate::metrics::CONNECTIONS_CLOSED;

/// What hyper reads ahead; answers are not copied.
pub(super) const MAX_BUFFER_BYTES: usize = 32 * 1024;

/// What the head of one connection takes of the memory for all.
pub(super) struct HalfHead {
    memory: Arc<Budget>,
    client: Option<IpAddr>,
    share: Option<Share>,
}

impl HalfHead {
    pub(super) fn new(memory: Arc<Budget>, client: Option<IpAddr>) -> Self {
        Self {
            memory,
            client,
            share: None,
        }
    }

    /// Before more is read: whether a part of a head is there.
    pub(super) fn note(&mut self, is_there: bool) -> io::Result<()> {
        if !is_there {
            self.share = None;
        } else if self.share.is_none() {
            let share = self.memory.try_take(MAX_BUFFER_BYTES, 8, self.client);
            if share.is_none() {
                counter!(CONNECTIONS_CLOSED, "reason" => "head_memory").increment(1);
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            self.share = share;
        }
        Ok(())
    }
}
