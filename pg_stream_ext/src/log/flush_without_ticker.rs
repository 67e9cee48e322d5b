//! Flushing by heartbeats while no ticker is alive.

use std::collections::BTreeSet;
use std::time::Duration;

use pgrx::datum::Uuid;

use crate::clock;
use crate::log::entry::find_head;
use crate::log::flush::LockedRelay;
use crate::log::relay_queue::{SessionKey, session_key};
use crate::log::relay_row::{self, Urgency};
use crate::log::ticker_liveness::is_ticker_alive;
use crate::postgres::caller::Admitted;
use crate::postgres::error::Result;
use crate::postgres::keyed::Locked;
use crate::postgres::transaction::{self, Scope};

/// How many sessions a batch of heartbeats sends in one subtransaction.
const SESSIONS_AT_ONCE: usize = 64;

/// How long a heartbeat may send.
const MOST_TIME: Duration = Duration::from_secs(1);

/// Flushes the log of a heartbeat's session, if it has unsent entries and no ticker is alive. A session that another
/// transaction holds is left to the next heartbeat, and one whose frames fail does not fail the heartbeat. Once a frame
/// is written, the transaction waits for the disk at its commit.
pub fn flush_one(admitted: Admitted, session: Uuid, head_seq: i64) -> Result<()> {
    if !is_ticker_alive(clock::now()?)? && is_due(admitted, session, head_seq)? {
        send(admitted, &[session]);
    }
    Ok(())
}

/// Flushes the logs of the sessions of a batch of heartbeats. Their heads are only read while no ticker is alive.
pub fn flush_all(admitted: Admitted, sessions: impl IntoIterator<Item = Uuid>) -> Result<()> {
    if is_ticker_alive(clock::now()?)? {
        return Ok(());
    }
    let sessions: BTreeSet<SessionKey> = sessions
        .into_iter()
        .map(|session| session_key(&session))
        .collect();
    let mut behind = Vec::new();
    for session in sessions.into_iter().map(Uuid::from_bytes) {
        if let Some(head_seq) = find_head(admitted, session)?
            && is_due(admitted, session, head_seq)?
        {
            behind.push(session);
        }
    }
    behind
        .chunks(SESSIONS_AT_ONCE)
        .for_each(|sessions| send(admitted, sessions));
    Ok(())
}

/// Whether the last frame is older than entry `head_seq`, as committed by now, and no longer window is open.
fn is_due(admitted: Admitted, session: Uuid, head_seq: i64) -> Result<bool> {
    let now = clock::now()?;
    Ok(relay_row::find(admitted, session)?.is_some_and(|relay| {
        relay.flushed_seq < head_seq && relay.long_window_ends_at(now).is_none()
    }))
}

/// Flushes in one subtransaction, and each session in its own only after that failed. Does nothing in a trigger inside
/// the regular work, which sends by itself and whose unit uses the only timer.
fn send(admitted: Admitted, sessions: &[Uuid]) {
    if transaction::is_inside() {
        return;
    }
    let send = |sessions: &[Uuid]| {
        Scope::Subtransaction.run(MOST_TIME, || {
            for session in sessions {
                if let Locked::Held(relay) = LockedRelay::lock_if_free(admitted, *session)? {
                    relay.flush(admitted, Urgency::Chat)?;
                }
            }
            Ok(())
        })
    };
    if send(sessions).is_err() && sessions.len() > 1 {
        for session in sessions.chunks(1) {
            // The next heartbeat tries again, and so does a ticker once one is alive, which records failures.
            let _ = send(session);
        }
    }
}
