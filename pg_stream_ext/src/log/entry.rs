//! The head row of a log: taking the next sequence number, and reading the newest one.
//!
//! Whoever updates the session's head row holds the log until commit: the number, the time and the
//! commit order agree, and a number is only used by a row that is written.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::clock;
use crate::postgres::caller::Admitted;
use crate::postgres::commit::wait_for_the_disk;
use crate::postgres::error::Result;
use crate::postgres::keyed::{Locked, Row, Table, Values, Waiting};
use crate::postgres::spi::{self, statements};
use crate::postgres::wait_budget::WaitBudget;

static HEADS: Table = Table::new(c"chat_heads");

statements! {
    SESSION_EXISTS: Write [UUIDOID] -> bool,
        "select true from stream.stream_sessions as s where s.id = $1";
}

/// A number of the log and the time that goes with it.
pub struct Entry {
    pub seq: i64,
    pub created_at: TimestampWithTimeZone,
    /// The seller's rate limiter.
    pub host_tat: TimestampWithTimeZone,
}

/// Takes the next number of an open log; returns none when the log is closed or does not exist. Statements after
/// this see everything that was committed before.
pub fn next_seq(admitted: Admitted, session: Uuid) -> Result<Option<Entry>> {
    take_next(admitted, session, |_, entry| Ok(next(entry)))
}

/// The same for an auction update, which is counted too.
pub fn next_auction_seq(admitted: Admitted, session: Uuid) -> Result<Option<Entry>> {
    take_next(admitted, session, |head, entry| {
        let updates: i64 = head.column(c"auction_updates")?;
        let [seq, at] = next(entry);
        Ok([seq, at, (c"auction_updates", (updates + 1).into())])
    })
}

fn next(entry: &Entry) -> Values<2> {
    [
        (c"last_seq", entry.seq.into()),
        (c"last_at", entry.created_at.into()),
    ]
}

fn take_next<const N: usize>(
    admitted: Admitted,
    session: Uuid,
    changes: impl Fn(&Row, &Entry) -> Result<Values<N>>,
) -> Result<Option<Entry>> {
    // An entry that is sent later is acknowledged with this commit, too.
    wait_for_the_disk();
    HEADS.update(admitted, &[session], |head| {
        if !head.column::<bool>(c"open")? {
            return Ok(None);
        }
        let last_at: TimestampWithTimeZone = head.column(c"last_at")?;
        let next_at = last_at.into_inner().saturating_add(1);
        let entry = Entry {
            seq: head.column::<i64>(c"last_seq")? + 1,
            created_at: clock::from_microseconds(clock::now()?.into_inner().max(next_at))?,
            host_tat: head.column(c"host_chat_tat")?,
        };
        let changes = changes(head, &entry)?;
        Ok(Some((entry, changes)))
    })
}

/// The error for a log that takes no entry: its stream has ended, or does not exist.
pub fn closed_log_error(session: Uuid) -> Result<ErrorCode> {
    let exists = spi::first(&SESSION_EXISTS, &[session.into()])?;
    Ok(if exists.is_some() {
        ErrorCode::StreamEnded
    } else {
        ErrorCode::SessionNotFound
    })
}

/// Returns the newest number of a session's log, as committed by now.
pub fn find_head(admitted: Admitted, session: Uuid) -> Result<Option<i64>> {
    HEADS.find(admitted, &[session], |head| {
        head.column(c"last_seq").map(Some)
    })
}

/// Locks the head row as long as budget lasts; returns whether it is held.
pub fn hold_head(admitted: Admitted, session: Uuid, budget: &mut WaitBudget) -> Result<bool> {
    let mode = pg_sys::LockTupleMode::LockTupleNoKeyExclusive;
    let head = budget.lock(|| HEADS.lock(admitted, &[session], mode, Waiting::Skip, |_| Ok(())))?;
    Ok(matches!(head, Locked::Held(())))
}
