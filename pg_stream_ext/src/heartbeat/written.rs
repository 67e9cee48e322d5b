//! Whom a call of many heartbeats has written already, so that it writes no row twice.
//!
//! Postgres checks the foreign keys of a row anew that the same transaction has written before, and locks what it refers to:
//! a batch would wait for whoever deletes a user or writes an auction, out of the order of locks. So the items about one
//! device's user are gone through from the last, which is written; the others are answered beside it.

use std::collections::HashMap;

use stream_core::error::ErrorCode;

use crate::heartbeat::request::{HeartbeatRequest, Later};
use crate::heartbeat::single::Processed;
use crate::postgres::error::{Failure, Result};

/// By session and user.
#[derive(Default)]
pub struct Written(HashMap<Pair, Later>);

pub type Pair = (uuid::Uuid, [u8; 16]);

impl Written {
    pub fn later(&self, pair: Pair) -> Option<Later> {
        self.0.get(&pair).copied()
    }

    /// Notes what came of an item.
    pub fn note(&mut self, pair: Pair, request: &HeartbeatRequest, outcome: &Result<Processed>) {
        let says_foreground = request.foreground.is_some();
        let code = match outcome {
            Err(Failure::Refused { code, .. }) => Some(*code),
            _ => None,
        };
        let is_superseded = outcome.as_ref().is_ok_and(Processed::is_superseded);
        match self.0.get_mut(&pair) {
            Some(later) => {
                let counts = code.is_none_or(|code| code == ErrorCode::LockTimeout);
                later.says_foreground |= says_foreground && counts && !is_superseded;
            }
            // A lease may be prolonged before the end of its stream is seen.
            None if outcome.as_ref().is_ok_and(Processed::is_written)
                || code == Some(ErrorCode::StreamEnded) =>
            {
                self.0.insert(pair, Later { says_foreground });
            }
            None => {}
        }
    }
}
