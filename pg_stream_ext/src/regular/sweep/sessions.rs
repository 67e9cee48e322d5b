//! The rule `session_timeouts`: times out live streams, and schedules the next check of the others.

use std::cell::Cell;
use std::collections::HashSet;

use pgrx::datum::{Interval, Uuid};
use stream_core::lifecycle::StreamState;

use crate::postgres::caller::Admitted;
use crate::postgres::column::columns;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};
use crate::regular::unit::{Rule, Unit};
use crate::stream::gate;
use crate::stream::lifecycle::{self, HOST_LOST, StateExtras};

statements! {
    /// Sweeps run every second, so a stream that is overdue for longer was locked each time.
    PASSED_OVER: Write [] -> Uuid,
        "select s.id from stream.stream_sessions as s
         where s.check_at <= now() - interval '2 seconds' and s.state <> 'ended'
         order by s.check_at limit 1";

    DUE_SESSIONS: Write [INT4OID, UUIDARRAYOID] -> DueSession,
        "select s.id, s.state, s.generation,
             case
                 when s.created_at + c.max_duration_s * interval '1 second' <= now() then 'max_duration'
                 when s.state = 'initializing'
                     and s.state_changed_at + c.initializing_timeout_s * interval '1 second' <= now()
                     then 'initializing_timeout'
                 when s.state in ('initializing', 'active')
                     and s.host_seen_at + c.host_timeout_s * interval '1 second' <= now()
                     then 'host_lost'
                 when s.state = 'paused'
                     and s.state_changed_at + c.paused_timeout_s * interval '1 second' <= now()
                     then 'paused_timeout'
                 when s.state = 'error' and s.reconnect_deadline <= now() then 'reconnect_timeout'
             end as verdict,
             now() - s.check_at as age
         from stream.stream_sessions as s
         cross join stream.config as c
         where s.check_at <= now() and s.state <> 'ended' and s.id <> all ($2)
         order by s.check_at
         limit $1
         for no key update of s skip locked";

    /// A transaction that writes to a log holds its head until the end.
    LOCK_HEADS: Write [UUIDARRAYOID] -> Uuid,
        "select h.session_id from stream.chat_heads as h where h.session_id = any ($1)
         order by h.session_id for no key update skip locked";

    LOCK_RELAYS: Write [UUIDARRAYOID] -> Uuid,
        "select r.session_id from stream.chat_relay as r where r.session_id = any ($1)
         order by r.session_id for no key update skip locked";
}

/// The reported timeouts, in this order.
pub const VERDICTS: [&str; 5] = [
    "initializing_timeout",
    "host_lost",
    "reconnect_timeout",
    "paused_timeout",
    "max_duration",
];

/// Times out live streams.
pub struct Sessions {
    /// Whether to count their viewers in the same update.
    pub count: bool,
    /// Whether the first unit waits for the stream that was passed over for longest.
    pub waits_for_passed_over: Cell<bool>,
}

columns! {
    struct DueSession {
        id: Uuid,
        state: StreamState,
        generation: i32,
        verdict: Option<String>,
        age: Interval,
    }
}

impl DueSession {
    fn known_verdict(&self) -> Option<&'static str> {
        let is_it = |known: &&str| self.verdict.as_deref() == Some(*known);
        VERDICTS.into_iter().find(is_it)
    }
}

/// Gets a turn at a stream that earlier sweeps passed over, before anything else is locked: whoever
/// holds its gate may wait for what a sweep takes.
pub fn wait_for_passed_over(admitted: Admitted) -> Result<()> {
    if let Some(session) = spi::first(&PASSED_OVER, &[])? {
        gate::close_soon(admitted, session)?;
    }
    Ok(())
}

impl Rule for Sessions {
    fn name(&self) -> &'static str {
        "session_timeouts"
    }

    fn unit(&self, unit: &mut Unit) -> Result<()> {
        if self.waits_for_passed_over.take() {
            wait_for_passed_over(unit.admitted())?;
        }
        let admitted = unit.admitted();
        let mut due = take(unit)?;
        let judged = due
            .iter()
            .filter(|session| session.known_verdict().is_some());
        let free = lock_logs(judged.map(|session| session.id).collect())?;
        // The rows are already locked; the logs after them are written by ascending id, as everywhere.
        due.sort_by_key(|session| *session.id.as_bytes());
        for session in &due {
            if unit.is_over() {
                break;
            }
            if session.known_verdict().is_some() && !free.contains(session.id.as_bytes()) {
                unit.pass_over(session.id);
                continue;
            }
            unit.stream(session.id, || self.judge(admitted, session))?;
            unit.wrote_session(session.id);
            unit.spend(1);
            if let Some(verdict) = session.known_verdict() {
                unit.count(verdict, 1, Some(session.age));
            }
        }
        Ok(())
    }
}

impl Sessions {
    /// Times out a session, or schedules its next check; its row, head and relay are locked.
    fn judge(&self, admitted: Admitted, session: &DueSession) -> Result<()> {
        let Some(verdict) = session.known_verdict() else {
            return lifecycle::schedule_check(session.id, self.count);
        };
        let to = if verdict == HOST_LOST {
            StreamState::Error
        } else {
            StreamState::Ended
        };
        let moved = lifecycle::announce_without_waiting(
            admitted,
            session.id,
            session.state,
            to,
            Some(verdict),
            session.generation,
        )?;
        moved.write(StateExtras {
            count: self.count,
            ..StateExtras::default()
        })
    }
}

fn take(unit: &Unit) -> Result<Vec<DueSession>> {
    let limit = unit.limit().min(unit.rows_left());
    let arguments = [limit.into(), unit.skipping_written().into()];
    spi::all(&DUE_SESSIONS, &arguments)
}

/// Locks head and relay of each stream; returns the streams of which neither was locked.
fn lock_logs(sessions: Vec<Uuid>) -> Result<HashSet<[u8; 16]>> {
    if sessions.is_empty() {
        return Ok(HashSet::new());
    }
    let with_head = spi::all(&LOCK_HEADS, &[sessions.into()])?;
    let with_both = spi::all(&LOCK_RELAYS, &[with_head.into()])?;
    Ok(with_both.iter().map(|id| *id.as_bytes()).collect())
}
