//! The rule `late_events`: sends the events that no partition of `realtime.messages` took when they happened.
//!
//! An event is sent where it is still true, by the rows as they are now. Where something has changed since, the topic gets
//! `resync` instead: whoever was told of the change was not told of what was before it.

use pgrx::datum::Uuid;
use pgrx::pg_sys;
use serde_json::{Value, json};

use crate::clock;
use crate::postgres::caller::Admitted;
use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result};
use crate::postgres::json_text;
use crate::postgres::keyed::{Locked, Table, Waiting};
use crate::postgres::spi::{self, statements};
use crate::realtime::broadcast;
use crate::regular::sweep::expiring_tokens::concerns_its_user;
use crate::regular::unit::{Rule, Unit};

static TURNS: Table = Table::new(c"moderation_turns");
static SESSIONS: Table = Table::new(c"stream_sessions");

statements! {
    DUE: Write [INT4OID, UUIDARRAYOID] -> Uuid,
        "select distinct e.session_id from stream.late_events as e
         where e.session_id <> all ($2) order by e.session_id limit $1";

    /// What is kept of a stream that is gone is said to nobody.
    TAKE: Write [UUIDOID] -> LateEvent,
        concat!(
            "with taken as (
                 delete from stream.late_events as e where e.session_id = $1
                 returning e.topic, e.subject, e.event, e.payload as p, e.user_id
             )
             select t.topic, t.subject, t.event, t.p::text as payload, s.id is not null as is_there, coalesce(
                 case t.subject
                     when 'state' then s.state = t.p ->> 'state' and s.state_seq = (t.p ->> 'seq')::bigint
                         and s.generation = (t.p ->> 'generation')::integer
                     when 'viewer_count' then s.viewer_count = (t.p ->> 'viewer_count')::integer
                     when 'live' then (s.state = 'ended') = (t.p ->> 'state' = 'ended')
                     when 'token_expiring' then exists (
                         select from stream.agora_tokens as k
                         where k.session_id = $1 and k.user_id = t.user_id and k.is_active
                             and k.expires_at = (t.p ->> 'expires_at')::timestamptz and ",
            concerns_its_user!("k", "s"),
            ")
                     when 'resync' then true
                     else exists (
                         select from stream_private.restrictions as r
                         where r.session_id = $1 and r.user_id = t.user_id and r.kind = t.subject and r.is_in_force
                             and (not (t.p ->> 'is_in_force')::boolean
                                 or r.until is not distinct from (t.p ->> 'until')::timestamptz)
                     ) = (t.p ->> 'is_in_force')::boolean
                 end, false) as is_true
             from taken as t
             left join stream.stream_sessions as s on s.id = $1
             order by t.topic, t.subject"
        );
}

columns! {
    struct LateEvent {
        topic: String,
        subject: String,
        event: String,
        payload: String,
        is_there: bool,
        is_true: bool,
    }
}

/// Sends late events; reports how many.
pub struct LateEvents;

impl Rule for LateEvents {
    fn name(&self) -> &'static str {
        "late_events"
    }

    fn unit(&self, unit: &mut Unit) -> Result<()> {
        let limit = unit.limit().min(unit.rows_left());
        let due = spi::all(&DUE, &[limit.into(), unit.skipping().into()])?;
        if due.is_empty() || broadcast::hold_write_method(clock::now()?)?.is_none() {
            return Ok(());
        }
        let admitted = unit.admitted();
        for session in due {
            if unit.is_over() {
                break;
            }
            if !hold(admitted, session)? {
                unit.pass_over(session);
                continue;
            }
            let sent = unit.stream(session, || send(session))?;
            unit.spend(sent.max(1));
            unit.count(self.name(), sent, None);
        }
        Ok(())
    }
}

/// Keeps the stream and its restrictions as they are until the events are sent, so that none is sent behind a newer one.
/// Returns false while somebody changes them. A join only shares the stream's row, as this does.
fn hold(admitted: Admitted, session: Uuid) -> Result<bool> {
    let turn = pg_sys::LockTupleMode::LockTupleNoKeyExclusive;
    let turn = TURNS.lock(admitted, &[session], turn, Waiting::Skip, |_| Ok(()))?;
    let share = pg_sys::LockTupleMode::LockTupleShare;
    let row = SESSIONS.lock(admitted, &[session], share, Waiting::Skip, |_| Ok(()))?;
    Ok(!matches!(turn, Locked::Taken) && !matches!(row, Locked::Taken))
}

fn send(session: Uuid) -> Result<i32> {
    let mut sent = 0;
    let mut hinted: Vec<String> = Vec::new();
    for late in spi::all(&TAKE, &[session.into()])? {
        // A token that was renewed since asks for nothing.
        let is_over = !late.is_true && late.subject == "token_expiring";
        if !late.is_there || is_over || !late.is_true && hinted.contains(&late.topic) {
            continue;
        }
        let mut payload = if late.is_true {
            serde_json::from_str(&late.payload)
                .map_err(|_| Failure::Row("a late event is no JSON"))?
        } else {
            json!({"session_id": json_text::uuid(session), "reason": "missed_event"})
        };
        set_time(&mut payload)?;
        let event = if late.is_true { &late.event } else { "resync" };
        broadcast::broadcast(&late.topic, event, &payload.to_string())?;
        if !late.is_true {
            hinted.push(late.topic);
        }
        sent += 1;
    }
    Ok(sent)
}

/// Clients compare their clocks with it, so it is the time of sending.
fn set_time(payload: &mut Value) -> Result<()> {
    payload["server_time"] = json_text::time(clock::now()?).into();
    Ok(())
}
