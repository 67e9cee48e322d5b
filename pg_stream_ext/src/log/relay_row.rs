//! Relay rows: the newest entry that a frame carries, and the lock under which frames are written.

use pgrx::datum::Uuid;
use pgrx::prelude::*;

use crate::postgres::caller::Admitted;
use crate::postgres::error::Result;
use crate::postgres::keyed::{Locked, Row, Table, Waiting};

pub static RELAYS: Table = Table::new(c"chat_relay");

/// The lock that an update of the row takes.
const LOCK_MODE: pg_sys::LockTupleMode::Type = pg_sys::LockTupleMode::LockTupleNoKeyExclusive;

/// Locks the relay row of a session, and returns what `read` takes from it.
pub fn lock<T>(
    admitted: Admitted,
    session: Uuid,
    waiting: Waiting,
    read: impl FnOnce(&Row) -> Result<T>,
) -> Result<Locked<T>> {
    RELAYS.lock(admitted, &[session], LOCK_MODE, waiting, read)
}

/// Whether the last frame is older than entry `head_seq`, as committed by now.
pub fn is_behind(admitted: Admitted, session: Uuid, head_seq: i64) -> Result<bool> {
    let flushed = RELAYS.find(admitted, &[session], |relay| {
        relay.column::<i64>(c"flushed_seq").map(Some)
    })?;
    Ok(flushed.is_some_and(|flushed| flushed < head_seq))
}
