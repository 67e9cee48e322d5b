//! The gate of a session: a queue in which changes of a stream and joins of viewers take turns.
//!
//! Joins share the session's row lock, and Postgres grants it to one more sharer although another transaction waits
//! to change the row. So a steady stream of joins could keep the host's heartbeat, the end of the
//! stream and its sweep waiting without end. Heavyweight locks are granted in the order of the requests:
//! closing the gate waits only for the joins before it, and later joins wait for it.
//!
//! Every wait at the gate ends after 100 ms and goes on to the session's row, so a transaction that stays
//! open delays others and never stops them. If the row is not free then, the gate is requested again: later
//! joins queue behind each of these rounds, so the row is free in the first round in which only joins held it.
//! SQL cannot name the lock (see [`tag`]), so no role can hold it against others.
//!
//! The gate comes before the session's row in the order of locks. A free gate costs no statement and no
//! subtransaction; a wait costs one of each.

use std::time::{Duration, Instant};

use pgrx::datum::Uuid;
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::postgres::caller::{self, Admitted};
use crate::postgres::error::{Result, or_raise, required};
use crate::postgres::keyed::{Locked, Table, Waiting};
use crate::postgres::spi::{self, statements};

static SESSIONS: Table = Table::new(c"stream_sessions");

/// After this many rounds the wait for the row is so long that Postgres checks for a deadlock.
const ROUNDS: u32 = 10;

statements! {
    WAIT: Write [UUIDOID, BOOLOID] -> bool,
        "select stream_private.wait_at_gate($1, $2)";

    WAIT_LONGER: Write [UUIDOID] -> bool,
        "select stream_private.wait_for_session($1)";
}

/// The mode in which the gate is locked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// With other joins.
    Shared,
    /// To change the session.
    Alone,
}

/// Passes the gate together with other joins, after the requests to close it.
pub fn pass(session: Uuid) -> Result<()> {
    if !try_enter(session, Mode::Shared) {
        wait(session, Mode::Shared)?;
    }
    Ok(())
}

/// Closes the gate and locks the session's row FOR NO KEY UPDATE, until the transaction ends. Locks no row when there
/// is no such session.
pub fn close(admitted: Admitted, session: Uuid) -> Result<()> {
    let begun_at = Instant::now();
    loop {
        for _ in 0..ROUNDS {
            if close_soon(admitted, session)? {
                return Ok(());
            }
            refuse_after_lock_timeout(begun_at)?;
        }
        // The rounds are too short for Postgres to detect a deadlock.
        let is_held = spi::first(&WAIT_LONGER, &[session.into()])?;
        if is_held == Some(true) {
            return Ok(());
        }
        refuse_after_lock_timeout(begun_at)?;
    }
}

/// Applies the caller's own `lock_timeout`, which the rounds override.
fn refuse_after_lock_timeout(begun_at: Instant) -> Result<()> {
    // SAFETY: a plain integer of this backend.
    match u64::try_from(unsafe { pg_sys::LockTimeout }).unwrap_or(0) {
        0 => Ok(()),
        limit_ms if begun_at.elapsed() < Duration::from_millis(limit_ms) => Ok(()),
        _ => Err(ErrorCode::LockTimeout.into()),
    }
}

/// Closes the gate in one round, 200 ms at most; returns whether the row is locked or there is none.
pub fn close_soon(admitted: Admitted, session: Uuid) -> Result<bool> {
    if try_enter(session, Mode::Alone) {
        if lock_free_session(admitted, session)? {
            return Ok(true);
        }
        // The transaction that holds the row may be waiting for the gate; the next round queues again.
        leave(session);
    }
    // The row may be free by now even if the gate is not.
    Ok(wait(session, Mode::Alone)? || lock_free_session(admitted, session)?)
}

/// Closes the gate if nobody is at it or at the row; waits for nobody. Returns whether the row is locked or there is none.
pub fn close_if_free(admitted: Admitted, session: Uuid) -> Result<bool> {
    if !try_enter(session, Mode::Alone) {
        return Ok(false);
    }
    let is_locked = lock_free_session(admitted, session)?;
    if !is_locked {
        leave(session);
    }
    Ok(is_locked)
}

/// Waits at the gate, for `stream_private.wait_at_gate`, which limits the wait and rolls it back when it fails.
#[pg_extern]
fn enter_gate(session_id: Option<Uuid>, alone: Option<bool>) {
    or_raise(caller::enter_as_owner().and_then(|_| {
        let session = required(session_id, "session_id")?;
        let mode = if required(alone, "alone")? {
            Mode::Alone
        } else {
            Mode::Shared
        };
        acquire(session, mode, false);
        Ok(())
    }));
}

fn wait(session: Uuid, mode: Mode) -> Result<bool> {
    let arguments = [session.into(), (mode == Mode::Alone).into()];
    let is_in = spi::first(&WAIT, &arguments)?;
    Ok(is_in.unwrap_or(false))
}

/// Locks the session's row if it is free; returns whether it is locked or there is none.
fn lock_free_session(admitted: Admitted, session: Uuid) -> Result<bool> {
    let mode = pg_sys::LockTupleMode::LockTupleNoKeyExclusive;
    let locked = SESSIONS.lock(admitted, &[session], mode, Waiting::Skip, |_| Ok(()))?;
    Ok(!matches!(locked, Locked::Taken))
}

/// Locks the gate unless that would wait. Does not overtake waiting requests, unless the transaction already holds it.
fn try_enter(session: Uuid, mode: Mode) -> bool {
    acquire(session, mode, true)
}

fn acquire(session: Uuid, mode: Mode, only_if_free: bool) -> bool {
    // SAFETY: the tag is valid; the lock goes with the transaction.
    let result =
        unsafe { pg_sys::LockAcquire(&tag(session), lock_mode(mode), false, only_if_free) };
    result != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
}

/// Undoes one `try_enter` of mode `Alone` by the same caller.
fn leave(session: Uuid) {
    // SAFETY: the same tag, mode and owner as in `acquire`, called by the same function.
    unsafe { pg_sys::LockRelease(&tag(session), lock_mode(Mode::Alone), false) };
}

fn lock_mode(mode: Mode) -> pg_sys::LOCKMODE {
    let mode = match mode {
        Mode::Shared => pg_sys::ShareLock,
        Mode::Alone => pg_sys::ExclusiveLock,
    };
    mode as pg_sys::LOCKMODE
}

/// The tag of an advisory lock of a kind of its own: SQL functions use 1 and 2 in the last field
/// (`SET_LOCKTAG_INT64`, `SET_LOCKTAG_INT32` in lockfuncs.c). The key is 64 bits folded from the id; two sessions with
/// the same key would only share one gate.
fn tag(session: Uuid) -> pg_sys::LOCKTAG {
    /// "gate".
    const KIND: u16 = 0x6761;
    let word = |at: usize| {
        session.as_bytes()[at..at + 4]
            .iter()
            .fold(0, |word: u32, byte| word << 8 | u32::from(*byte))
    };
    pg_sys::LOCKTAG {
        // SAFETY: reads a variable of this backend.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.into(),
        locktag_field2: word(0) ^ word(8),
        locktag_field3: word(4) ^ word(12),
        locktag_field4: KIND,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}
