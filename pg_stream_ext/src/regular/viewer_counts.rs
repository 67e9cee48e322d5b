//! The rule `viewer_counts`: counts the viewers of streams named in `viewer_changes`.

use std::cell::Cell;

use pgrx::datum::Uuid;

use crate::postgres::caller::Admitted;
use crate::postgres::column::columns;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};
use crate::regular::unit::{Rule, Unit};
use crate::stream::gate;

statements! {
    /// Takes the changes of at most `$1` streams; returns each stream, and whether any row of it could
    /// be taken. Late in a round most of many rows belong to streams to skip, so these are hashed.
    TAKE_CHANGES: Write [INT4OID, UUIDARRAYOID] -> Changed,
        "with seen as materialized (
             select e.id, e.session_id from stream.viewer_changes as e
             where e.session_id not in (select unnest($2))
             order by e.id limit 10000
         ), due as materialized (
             select distinct s.session_id from seen as s order by s.session_id limit $1
         ), free as materialized (
             select e.id from stream.viewer_changes as e
             where e.id = any (array(
                 select s.id from seen as s where s.session_id in (select d.session_id from due as d)))
             for update skip locked
         ), taken as (
             delete from stream.viewer_changes as e
             where e.id = any (array(select f.id from free as f))
             returning e.session_id
         )
         select d.session_id, exists (select from taken as t where t.session_id = d.session_id) as is_taken
         from due as d order by d.session_id";

    LOCK_SESSIONS: Write [UUIDARRAYOID] -> LiveOrEnded,
        "select s.id, s.state <> 'ended' as is_live from stream.stream_sessions as s
         where s.id = any ($1) order by s.id for no key update skip locked";

    EXISTING: Write [UUIDARRAYOID] -> Uuid,
        "select s.id from stream.stream_sessions as s where s.id = any ($1) order by s.id";

    RECOUNT: Write [UUIDOID]
        "update stream.stream_sessions as s
         set viewer_count = counted.active,
             peak_viewer_count = greatest(s.peak_viewer_count, counted.active),
             superseded_count = counted.superseded
         from (
             select count(*)::integer as active,
                 -- Joined again lately, by their token: another device may still hold a channel.
                 (count(*) filter (
                     where v.join_no > 1 and v.token_issued_at > now() - interval '2 minutes'
                         and v.token_issued_at <= clock_timestamp()))::integer as superseded
             from stream.stream_viewers as v
             where v.session_id = $1 and v.is_active
         ) as counted
         where s.id = $1
             and (s.viewer_count <> counted.active or s.superseded_count <> counted.superseded)";

    NOTE_AGAIN: Write [UUIDARRAYOID]
        "insert into stream.viewer_changes (session_id) select unnest($1)";

    CHANGED: Write [] -> Uuid,
        "select distinct e.session_id from (
             select c.session_id from stream.viewer_changes as c order by c.id limit 1000
         ) as e order by e.session_id limit 64";

    /// For a stream that keeps failing: one row is enough, and viewers go on joining.
    TAKE_NOTES: Write [UUIDOID]
        "delete from stream.viewer_changes as d where d.id = any (array(
             select e.id from stream.viewer_changes as e where e.session_id = $1
             order by e.id limit 10000 for update skip locked))";
}

columns! {
    struct Changed {
        session_id: Uuid,
        is_taken: bool,
    }

    struct LiveOrEnded {
        id: Uuid,
        is_live: bool,
    }
}

/// Counts viewers. A stream that the unit did not reach gets a new row in `viewer_changes`.
pub struct ViewerCounts {
    /// Whether the first unit waits for one locked stream.
    pub waits_for_passed_over: Cell<bool>,
}

/// Gets a turn at the first stream with changes that somebody holds, before anything else is locked.
pub fn wait_for_passed_over(admitted: Admitted) -> Result<()> {
    let changed = spi::all(&CHANGED, &[])?;
    if changed.is_empty() {
        return Ok(());
    }
    let locked = lock_sessions(&changed)?;
    let is_locked = |session: &Uuid| locked.iter().any(|locked| locked.id == *session);
    if let Some(held) = existing(changed)?.into_iter().find(|id| !is_locked(id)) {
        gate::close_soon(admitted, held)?;
    }
    Ok(())
}

impl Rule for ViewerCounts {
    fn name(&self) -> &'static str {
        "viewer_counts"
    }

    fn unit(&self, unit: &mut Unit) -> Result<()> {
        if self.waits_for_passed_over.take() {
            wait_for_passed_over(unit.admitted())?;
        }
        let arguments = [unit.limit().into(), unit.skipping_written().into()];
        let changed = spi::all(&TAKE_CHANGES, &arguments)?.into_iter();
        let (taken, held): (Vec<_>, Vec<_>) = changed.partition(|changed| changed.is_taken);
        for changed in held {
            unit.pass_over(changed.session_id);
        }
        if taken.is_empty() {
            return Ok(());
        }
        let taken: Vec<Uuid> = taken.iter().map(|changed| changed.session_id).collect();
        let locked = lock_sessions(&taken)?;
        let existing_sessions = existing(taken.clone())?;
        let mut again = Vec::new();
        for session in taken {
            let is_live = locked
                .iter()
                .find_map(|locked| (locked.id == session).then_some(locked.is_live));
            match is_live {
                None if existing_sessions.contains(&session) => {
                    unit.pass_over(session);
                    again.push(session);
                }
                Some(true) if unit.is_over() => again.push(session),
                Some(true) => {
                    unit.stream(session, || spi::execute(&RECOUNT, &[session.into()]))?;
                    unit.wrote_session(session);
                }
                // It has ended or was deleted: there is nothing to count.
                Some(false) | None => unit.stream(session, || Ok(()))?,
            }
        }
        if !again.is_empty() {
            spi::execute(&NOTE_AGAIN, &[again.into()])?;
        }
        Ok(())
    }

    fn failed(&self, session: Uuid) -> Result<()> {
        if spi::execute(&TAKE_NOTES, &[session.into()])? > 0 {
            spi::execute(&NOTE_AGAIN, &[vec![session].into()])?;
        }
        Ok(())
    }
}

/// Locks the sessions that are free; returns them, and whether each is live.
fn lock_sessions(sessions: &[Uuid]) -> Result<Vec<LiveOrEnded>> {
    spi::all(&LOCK_SESSIONS, &[sessions.to_vec().into()])
}

fn existing(sessions: Vec<Uuid>) -> Result<Vec<Uuid>> {
    spi::all(&EXISTING, &[sessions.into()])
}
