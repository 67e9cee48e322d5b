//! Changing the state of a stream, and ending it.
//!
//! Every change takes the next number of the session's log in the same transaction. Lock order:
//! stream_sessions, stream_viewers, chat_heads, chat_relay.
//!
//! A transaction updates a session once. Postgres checks unchanged foreign keys of a row again when the
//! transaction has already written the row: it would wait for a transaction that holds the auction or the seller, a
//! bid for instance, which may be waiting for the log.

mod change;
mod closing;

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use stream_core::lifecycle::StreamState;
use stream_core::webhook::host::Loss;

use crate::log::entry::Entry;
use crate::log::system_message::log_system;
use crate::postgres::caller::Admitted;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};
use crate::stream::lifecycle::closing::ClosingStatements;

/// Reasons of transitions: the host's heartbeats have stopped, or come again.
pub const HOST_LOST: &str = Loss::Lost.as_str();
pub const HOST_RETURNED: &str = "host_returned";

/// The time at which the first rule of the sweep can apply to session `s` under config `c`, as SQL text; nulls do not
/// count.
macro_rules! check_at {
    () => {
        "least(
             s.created_at + c.max_duration_s * interval '1 second',
             case s.state
                 when 'initializing' then least(
                     s.state_changed_at + c.initializing_timeout_s * interval '1 second',
                     s.host_seen_at + c.host_timeout_s * interval '1 second')
                 when 'active' then s.host_seen_at + c.host_timeout_s * interval '1 second'
                 when 'paused' then s.state_changed_at + c.paused_timeout_s * interval '1 second'
                 when 'error' then s.reconnect_deadline
             end)"
    };
}
pub(crate) use check_at;

/// The active viewers of session `$1`, counted when the parameter is true, as SQL text.
macro_rules! counted {
    ($asked:literal) => {
        concat!(
            "(select count(*)::integer as active from stream.stream_viewers as v
              where v.session_id = $1 and v.is_active and ",
            $asked,
            ") as counted"
        )
    };
}

statements! {
    /// A transition to a running state shows that the host is there, as a heartbeat ($7) does. After the clock
    /// was set back the log's time is ahead of it; timeouts count from the clock.
    SET_STATE: Write [UUIDOID, TEXTOID, TEXTOID, INT8OID, TIMESTAMPTZOID, TEXTOID, BOOLOID, BOOLOID, INT4OID, INT4OID,
                      TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID]
        concat!(
            "update stream.stream_sessions as o
             set state = s.state, state_reason = $3, state_seq = $4, state_changed_at = s.state_changed_at,
                 started_at = case when s.state = 'active' then coalesce(o.started_at, s.state_changed_at)
                                   else o.started_at end,
                 ended_at = case when s.state = 'ended' then s.state_changed_at end,
                 viewer_count = case when s.state = 'ended' then 0 when $8 then counted.active
                                     else o.viewer_count end,
                 peak_viewer_count = greatest(o.peak_viewer_count, case when $8 then counted.active end, $10),
                 check_at = case when s.state <> 'ended' then ", check_at!(), " end,
                 state_before_error = case when s.state = 'error' then $6 end,
                 reconnect_deadline = s.reconnect_deadline,
                 host_seen_at = s.host_seen_at, generation = coalesce($9, o.generation),
                 host_heartbeat_at = case when $7 then now() else o.host_heartbeat_at end,
                 state_moves_tat = coalesce($11, o.state_moves_tat),
                 host_token_issued_at = coalesce($12, o.host_token_issued_at),
                 host_token_expires_at = coalesce($13, o.host_token_expires_at),
                 host_token_held_until = coalesce($14, o.host_token_held_until)
             from (
                 -- Those columns of the row, as they will be, from which the time of its next check follows.
                 select p.created_at, $2 as state, t.time as state_changed_at,
                     case when $2 = 'error' then t.time + p.reconnect_window_s * interval '1 second' end
                         as reconnect_deadline,
                     case when $7 or $2 in ('initializing', 'active') and p.host_seen_at is not null
                         then now() else p.host_seen_at end as host_seen_at
                 from stream.stream_sessions as p, (select least($5, clock_timestamp()) as time) as t
                 where p.id = $1
             ) as s
             cross join stream.config as c
             cross join ", counted!("$8"), "
             where o.id = $1"
        );

    SCHEDULE_CHECK: Write [UUIDOID, BOOLOID]
        concat!(
            "update stream.stream_sessions as s
             set check_at = ", check_at!(), ",
                 viewer_count = case when $2 then counted.active else s.viewer_count end,
                 peak_viewer_count = greatest(s.peak_viewer_count, case when $2 then counted.active end)
             from stream.config as c
             cross join ", counted!("$2"), "
             where s.id = $1 and s.state <> 'ended'"
        );
}

/// Makes a legal transition of a session whose row is locked: logs it, closes what belongs to an ended stream, and
/// updates the row.
pub fn move_to(
    admitted: Admitted,
    id: Uuid,
    from: StreamState,
    to: StreamState,
    reason: Option<&str>,
    generation: i32,
) -> Result<()> {
    announce(admitted, id, from, to, reason, generation)?.write(StateExtras::default())
}

/// Columns that are written together with a transition.
#[derive(Clone, Copy, Default)]
pub struct StateExtras {
    /// Whether the host has sent a heartbeat.
    pub heartbeat: bool,
    /// Whether to count the viewers.
    pub count: bool,
    /// The new generation, when another device of the host has taken over.
    pub generation: Option<i32>,
    /// The new value of the seller's rate limiter.
    pub moves_tat: Option<TimestampWithTimeZone>,
    /// The token that a host who returns is given.
    pub host_token: Option<HostToken>,
}

/// The times of a host's token, as the row of the stream notes them.
#[derive(Clone, Copy)]
pub struct HostToken {
    pub issued_at: TimestampWithTimeZone,
    pub expires_at: TimestampWithTimeZone,
    pub held_until: TimestampWithTimeZone,
}

/// A transition that is logged and broadcast but not yet stored in `stream_sessions`.
#[must_use = "the row is not written yet"]
pub struct Announced<'a> {
    pub id: Uuid,
    from: StreamState,
    to: StreamState,
    reason: Option<&'a str>,
    entry: Entry,
    /// The number of viewers at the end.
    last_viewers: Option<i32>,
}

/// Makes a legal transition except for updating the row, which is locked.
pub fn announce(
    admitted: Admitted,
    id: Uuid,
    from: StreamState,
    to: StreamState,
    reason: Option<&str>,
    generation: i32,
) -> Result<Announced<'_>> {
    announce_with(
        admitted,
        &closing::WAITING,
        id,
        from,
        to,
        reason,
        generation,
    )
}

/// Announces a transition without waiting; head and relay are locked too. Rows of an ending stream that another
/// transaction holds are left to the sweep.
pub fn announce_without_waiting(
    admitted: Admitted,
    id: Uuid,
    from: StreamState,
    to: StreamState,
    reason: Option<&str>,
    generation: i32,
) -> Result<Announced<'_>> {
    announce_with(
        admitted,
        &closing::SKIPPING_LOCKED,
        id,
        from,
        to,
        reason,
        generation,
    )
}

fn announce_with<'a>(
    admitted: Admitted,
    closing_statements: &ClosingStatements,
    id: Uuid,
    from: StreamState,
    to: StreamState,
    reason: Option<&'a str>,
    generation: i32,
) -> Result<Announced<'a>> {
    let ends = to == StreamState::Ended;
    let mut last_viewers = None;
    if ends {
        last_viewers = closing_statements.close_leases(id)?;
    }
    let entry = log_state(admitted, id, Some(from), to, reason, generation)?;
    if ends {
        closing_statements.close_others(id)?;
    }
    Ok(Announced {
        id,
        from,
        to,
        reason,
        entry,
        last_viewers,
    })
}

impl Announced<'_> {
    /// Updates the row; the sweep checks it again when the new state can time out.
    pub fn write(&self, extras: StateExtras) -> Result<()> {
        let arguments = [
            self.id.into(),
            self.to.as_str().into(),
            self.reason.into(),
            self.entry.seq.into(),
            self.entry.created_at.into(),
            self.from.as_str().into(),
            extras.heartbeat.into(),
            extras.count.into(),
            extras.generation.into(),
            self.last_viewers.into(),
            extras.moves_tat.into(),
            extras.host_token.map(|token| token.issued_at).into(),
            extras.host_token.map(|token| token.expires_at).into(),
            extras.host_token.map(|token| token.held_until).into(),
        ];
        spi::execute(&SET_STATE, &arguments).map(|_| ())
    }
}

/// Sets when the sweep checks a live session next, and counts its viewers in the same update if asked; its row is
/// locked.
pub fn schedule_check(id: Uuid, count: bool) -> Result<()> {
    spi::execute(&SCHEDULE_CHECK, &[id.into(), count.into()]).map(|_| ())
}

/// Logs a state; the session's row is locked.
pub fn log_state(
    admitted: Admitted,
    id: Uuid,
    from: Option<StreamState>,
    to: StreamState,
    reason: Option<&str>,
    generation: i32,
) -> Result<Entry> {
    let sentence = match to {
        StreamState::Initializing => "The stream is starting.",
        StreamState::Active => "The stream is live.",
        StreamState::Paused => "The stream is paused.",
        StreamState::Ended => "The stream has ended.",
        StreamState::Error => "The stream is interrupted.",
    };
    let metadata = serde_json::json!({
        "kind": "state_changed",
        "state": to.as_str(),
        "previous_state": from.map(StreamState::as_str),
        "reason": reason,
        "generation": generation,
    });
    log_system(admitted, id, sentence, &metadata)
}
