//! Taking the next number of a session's log.
//!
//! Whoever updates the session's head row holds the log until commit: the number, the time and the
//! commit order agree, and a number is only spent by a row that is written.

use pgrx::JsonB;
use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::clock;
use crate::log::relay;
use crate::postgres::commit::wait_for_the_disk;
use crate::postgres::error::Result;
use crate::postgres::keyed::{Locked, Table, Values, Waiting};
use crate::postgres::spi::{self, column, statements};
use crate::postgres::wait_budget::Patience;

static HEADS: Table = Table::new(c"chat_heads");

statements! {
    INSERT_SYSTEM: Write [UUIDOID, INT8OID, TEXTOID, JSONBOID, TIMESTAMPTZOID]
        "insert into stream.chat_messages
             (session_id, seq, content, message_type, metadata, created_at, updated_at)
         values ($1, $2, $3, 'system_message', $4, $5, $5)";

    SESSION_EXISTS: Write [UUIDOID]
        "select true from stream.stream_sessions as s where s.id = $1";
}

/// A number of the log and the time that goes with it.
pub struct Entry {
    pub seq: i64,
    pub created_at: TimestampWithTimeZone,
    /// The seller's rate limiter.
    pub host_tat: TimestampWithTimeZone,
}

/// Writes a system message and sends it at once; the log must be open.
pub fn log_system(session: Uuid, content: &str, metadata: &serde_json::Value) -> Result<Entry> {
    let entry = take_number(session)?.ok_or(ErrorCode::StreamEnded)?;
    let arguments: [DatumWithOid<'_>; 5] = [
        session.into(),
        entry.seq.into(),
        content.into(),
        JsonB(metadata.clone()).into(),
        entry.created_at.into(),
    ];
    spi::execute(&INSERT_SYSTEM, &arguments)?;
    relay::relay_now(session, entry.seq)?;
    Ok(entry)
}

/// Locks what an entry changes that goes out at once, as long as patience lasts; returns whether all of it
/// is held.
pub fn hold(session: Uuid, patience: &mut Patience) -> Result<bool> {
    let mode = pg_sys::LockTupleMode::LockTupleNoKeyExclusive;
    let head = patience.lock(|| HEADS.lock(&[session], mode, Waiting::Skip, |_| Ok(())))?;
    Ok(matches!(head, Locked::Held(())) && relay::hold(session, patience)?)
}

/// The next number of an open log; nothing when it is closed or was never there. Everything after it
/// sees what was committed before.
pub fn take_number(session: Uuid) -> Result<Option<Entry>> {
    // Also an entry that goes out later is acknowledged with this commit.
    wait_for_the_disk();
    HEADS.update(&[session], |head| {
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
        let changes: Values<2> = [
            (c"last_seq", entry.seq.into()),
            (c"last_at", entry.created_at.into()),
        ];
        Ok(Some((entry, changes)))
    })
}

/// Why a log takes nothing: its stream has ended, or never was.
pub fn why_closed(session: Uuid) -> Result<ErrorCode> {
    let exists = spi::first(&SESSION_EXISTS, &[session.into()], |row| {
        column::<bool>(row, 1)
    })?;
    Ok(if exists.is_some() {
        ErrorCode::StreamEnded
    } else {
        ErrorCode::SessionNotFound
    })
}
