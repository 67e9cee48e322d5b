//! The locks that a batch takes for one session, all of them before anything is written.
//!
//! The wait for the rows of a session is short; if it fails, only the items of that session are refused. Rows that
//! were locked before it failed stay locked until the end of the transaction: releasing them would need a
//! subtransaction for each session, which costs a transaction id.

use std::time::Duration;

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;

use crate::chat::viewer_row::ViewerRow;
use crate::log::relay::{self, Sending};
use crate::postgres::caller::Admitted;
use crate::postgres::error::Result;
use crate::postgres::guc;
use crate::postgres::keyed::{Locked, Table, Waiting};
use crate::postgres::wait_budget::WaitBudget;

/// The total wait of a batch, in waits for one session.
const LONG_WAITS: u32 = 5;

static SESSIONS: Table = Table::new(c"stream_sessions");
static HEADS: Table = Table::new(c"chat_heads");

/// The wait limits of a batch: 200 ms for each session and 1 s in total, unless the setting changes them.
pub struct Waits {
    budget: WaitBudget,
    for_session: Duration,
}

/// The result of locking a session.
pub enum SessionLocks {
    /// All rows that a message needs are locked.
    Ready(Ready),
    /// The log is closed, or the session does not exist.
    Closed,
    /// Another transaction held a row of the session for too long.
    Taken,
}

pub struct Ready {
    pub viewer_rows: Vec<ViewerRow>,
    /// The seller's rate limiter, from the head row.
    pub host_tat: TimestampWithTimeZone,
    pub sending: Sending,
}

impl Waits {
    pub fn new() -> Self {
        let for_session = guc::batch_session_wait();
        Self {
            budget: WaitBudget::new(for_session * LONG_WAITS),
            for_session,
        }
    }

    /// Locks the rows that messages of these users need, `users` in ascending order: the viewers' rows, the head,
    /// the session's key, which every message refers to, and the relay row.
    pub fn lock(
        &mut self,
        admitted: Admitted,
        session: Uuid,
        users: &[Uuid],
    ) -> Result<SessionLocks> {
        self.budget.begin(self.for_session);
        let budget = &mut self.budget;
        let mut viewer_rows = Vec::with_capacity(users.len());
        for user in users {
            match budget.lock(|| ViewerRow::lock_free(admitted, session, *user))? {
                Locked::Held(row) => viewer_rows.push(row),
                Locked::Missing => {}
                Locked::Taken => return Ok(SessionLocks::Taken),
            }
        }
        let mode = pg_sys::LockTupleMode::LockTupleNoKeyExclusive;
        let head = budget.lock(|| {
            HEADS.lock(admitted, &[session], mode, Waiting::Skip, |head| {
                let is_open: bool = head.column(c"open")?;
                Ok((is_open, head.column(c"host_chat_tat")?))
            })
        })?;
        let host_tat = match head {
            Locked::Held((true, host_tat)) => host_tat,
            Locked::Held((false, _)) | Locked::Missing => return Ok(SessionLocks::Closed),
            Locked::Taken => return Ok(SessionLocks::Taken),
        };
        // As the check of the foreign key would: whoever deletes the session locks its viewers' rows first.
        let mode = pg_sys::LockTupleMode::LockTupleKeyShare;
        let key =
            budget.lock(|| SESSIONS.lock(admitted, &[session], mode, Waiting::Skip, |_| Ok(())))?;
        if matches!(key, Locked::Taken) {
            return Ok(SessionLocks::Taken);
        }
        Ok(match relay::prepare(admitted, session, budget)? {
            Locked::Held(sending) => SessionLocks::Ready(Ready {
                viewer_rows,
                host_tat,
                sending,
            }),
            Locked::Taken => SessionLocks::Taken,
            Locked::Missing => SessionLocks::Closed,
        })
    }
}
