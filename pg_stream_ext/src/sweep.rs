//! What is overdue, and what happens to it?
//!
//! Every rule finds its rows through an index on when they are due, takes at most a batch, and skips
//! rows that somebody else holds. Running it twice, or from two places, changes nothing more.

mod clock;
mod ended;
mod retention;

use pgrx::datum::{Interval, Uuid};
use pgrx::spi::SpiHeapTupleData;
use stream_core::lifecycle::StreamState;

use crate::error::{Failure, Result};
use crate::gate;
use crate::lifecycle::{self, Announced, Beside, HOST_LOST};
use crate::spi::{self, column, nullable, statements};
use crate::webhook;

statements! {
    /// Sweeps come every second: what is overdue for longer is held by others each time.
    PASSED_OVER: Write []
        "select s.id from stream.stream_sessions as s
         where s.check_at <= now() - interval '2 seconds' and s.state <> 'ended'
         order by s.check_at limit 1";

    DUE_SESSIONS: Write [INT4OID, UUIDARRAYOID]
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
             end,
             now() - s.check_at
         from stream.stream_sessions as s
         cross join stream.config as c
         where s.check_at <= now() and s.state <> 'ended' and s.id <> all ($2)
         order by s.check_at
         limit $1
         for no key update of s skip locked";

    /// Leases that are over, and those that were only looked at too early. A look that lies further
    /// ahead than any lease was set by a clock that has been set back.
    SWEEP_LEASES: Write [INT4OID]
        "with overdue as (
             select v.session_id, v.user_id, v.lease_check_at, v.last_seen_at, v.background_since
             from stream.stream_viewers as v
             where v.is_active and v.lease_check_at <= now()
             order by v.lease_check_at limit $1
             for no key update skip locked
         ), misdated as (
             select v.session_id, v.user_id, v.lease_check_at, v.last_seen_at, v.background_since
             from stream.stream_viewers as v
             where v.is_active and v.lease_check_at > now()
                 + (select 2 * c.lease_s from stream.config as c) * interval '1 second'
             order by v.lease_check_at desc limit $1
             for no key update skip locked
         ), judged as (
             -- From the locked rows, so that a heartbeat that has just come in counts.
             select d.session_id, d.user_id, d.lease_check_at,
                 least(d.last_seen_at, now()) as seen_at,
                 least(
                     least(d.last_seen_at, now()) + c.lease_s * interval '1 second',
                     case when d.background_since is not null then
                         least(d.background_since, now()) + c.background_grace_s * interval '1 second' end
                 ) as ends_at
             from (select * from overdue union all select * from misdated) as d
             cross join stream.config as c
         ), swept as (
             update stream.stream_viewers as v
             set left_at = case when j.ends_at <= now() then j.ends_at end,
                 last_seen_at = j.seen_at,
                 lease_check_at = j.ends_at,
                 watch_ms = v.watch_ms + case when j.ends_at <= now()
                     then greatest(0, (extract(epoch from j.seen_at - v.joined_at) * 1000)::bigint)
                     else 0 end
             from judged as j
             where v.session_id = j.session_id and v.user_id = j.user_id
             returning v.session_id, v.is_active, now() - j.lease_check_at as age
         ), noted as (
             insert into stream.viewer_changes (session_id)
             select distinct w.session_id from swept as w where not w.is_active
         )
         select count(*)::integer, max(w.age) from swept as w where not w.is_active";

    SWEEP_TOKENS: Write [INT4OID]
        "with due as (
             select t.id, t.expires_at from stream.agora_tokens as t
             where t.is_active and t.expires_at <= now()
             order by t.expires_at limit $1
             for no key update skip locked
         ), swept as (
             update stream.agora_tokens as t set is_active = false from due
             where t.id = due.id returning now() - due.expires_at as age
         )
         select count(*)::integer, max(w.age) from swept as w";

    SWEEP_RESTRICTIONS: Write [INT4OID]
        "with due as (
             select r.session_id, r.user_id, r.kind, r.until from stream.chat_restrictions as r
             where r.until <= now()
             order by r.until limit $1
             for update skip locked
         ), swept as (
             delete from stream.chat_restrictions as r using due
             where r.session_id = due.session_id and r.user_id = due.user_id and r.kind = due.kind
             returning now() - due.until as age
         )
         select count(*)::integer, max(w.age) from swept as w";

    BATCH_SIZE: Write []
        "select c.sweep_batch_size from stream.config as c";
}

/// What one rule did.
pub struct Rule {
    pub name: &'static str,
    pub rows: i32,
    pub oldest_age: Option<Interval>,
}

impl Rule {
    fn unused(name: &'static str) -> Self {
        Self {
            name,
            rows: 0,
            oldest_age: None,
        }
    }
}

/// How much a sweep takes on.
pub struct Task {
    batch: i32,
    /// Sessions that are written and counted already; the next sweep looks at them.
    pub corrected: Vec<Uuid>,
}

/// What may have to wait for somebody, before anything is locked: whoever holds a gate may wait for
/// what a sweep takes.
pub fn begin() -> Result<Task> {
    let batch = spi::first(&BATCH_SIZE, &[], |row| column(row, 1))?.unwrap_or(1);
    let corrected = clock::correct(batch)?;
    wait_for_a_turn()?;
    Ok(Task { batch, corrected })
}

/// What a sweep did. The rows of the sessions that it judged are locked and not written yet, so that a
/// tick can write its counts with them, in the one update that a transaction may make.
#[must_use = "the sessions are not written yet"]
pub struct Swept {
    pub rules: Vec<Rule>,
    moved: Vec<Announced<'static>>,
    /// Those that were looked at too early.
    early: Vec<Uuid>,
}

impl Swept {
    /// Answers which sessions were written.
    pub fn write(&self, count: bool) -> Result<Vec<Uuid>> {
        for moved in &self.moved {
            moved.write(Beside {
                count,
                ..Beside::default()
            })?;
        }
        for session in &self.early {
            lifecycle::arm(*session, count)?;
        }
        let moved = self.moved.iter().map(|moved| moved.id);
        Ok(moved.chain(self.early.iter().copied()).collect())
    }
}

/// Runs every rule once, after [`begin`].
pub fn sweep(task: &Task) -> Result<Swept> {
    let batch = task.batch;
    let mut swept = sweep_sessions(task)?;
    let rules = &mut swept.rules;
    rules.push(counted(
        "viewer_leases",
        spi::first(&SWEEP_LEASES, &[batch.into()], tally)?,
    ));
    rules.push(counted(
        "tokens",
        spi::first(&SWEEP_TOKENS, &[batch.into()], tally)?,
    ));
    rules.push(counted(
        "restrictions",
        spi::first(&SWEEP_RESTRICTIONS, &[batch.into()], tally)?,
    ));
    rules.push(ended::clean(batch)?);
    rules.push(retention::expire(batch)?);
    rules.push(counted(
        "webhook_events",
        webhook::sweep::sweep_events(batch)?,
    ));
    rules.push(counted(
        "webhook_cursors",
        webhook::sweep::sweep_cursors(batch)?,
    ));
    clock::mark_swept()?;
    Ok(swept)
}

fn tally(row: &SpiHeapTupleData<'_>) -> Result<(i32, Option<Interval>)> {
    Ok((column(row, 1)?, nullable(row, 2)?))
}

fn counted(name: &'static str, tally: Option<(i32, Option<Interval>)>) -> Rule {
    let (rows, oldest_age) = tally.unwrap_or((0, None));
    Rule {
        name,
        rows,
        oldest_age,
    }
}

struct DueSession {
    id: Uuid,
    state: String,
    generation: i32,
    verdict: Option<&'static str>,
    age: Interval,
}

/// The rules about sessions, in the order in which they are reported.
const SESSION_RULES: [&str; 5] = [
    "initializing_timeout",
    "host_lost",
    "reconnect_timeout",
    "paused_timeout",
    "max_duration",
];

/// Gets a turn at a session that earlier sweeps passed over.
fn wait_for_a_turn() -> Result<()> {
    if let Some(session) = spi::first(&PASSED_OVER, &[], |row| column(row, 1))? {
        gate::close_soon(session)?;
    }
    Ok(())
}

fn sweep_sessions(task: &Task) -> Result<Swept> {
    let arguments = [task.batch.into(), task.corrected.clone().into()];
    let due = spi::run(&DUE_SESSIONS, &arguments, |rows| {
        rows.map(|row| {
            let verdict: Option<String> = nullable(&row, 4)?;
            let rule = |verdict: String| SESSION_RULES.into_iter().find(|rule| *rule == verdict);
            Ok(DueSession {
                id: column(&row, 1)?,
                state: column(&row, 2)?,
                generation: column(&row, 3)?,
                verdict: verdict.and_then(rule),
                age: column(&row, 5)?,
            })
        })
        .collect::<Result<Vec<_>>>()
    })?;
    let mut rules: Vec<Rule> = SESSION_RULES
        .iter()
        .map(|name| Rule::unused(name))
        .collect();
    // The rows are locked already; the logs behind them are taken by ascending id, as everywhere.
    let mut by_id: Vec<&DueSession> = due.iter().collect();
    by_id.sort_by_key(|session| *session.id.as_bytes());
    let (mut moved, mut early) = (Vec::new(), Vec::new());
    for session in by_id {
        let Some(verdict) = session.verdict else {
            early.push(session.id);
            continue;
        };
        let from =
            StreamState::parse(&session.state).ok_or(Failure::Row("unknown state in the table"))?;
        let to = if verdict == HOST_LOST {
            StreamState::Error
        } else {
            StreamState::Ended
        };
        let (id, generation) = (session.id, session.generation);
        moved.push(lifecycle::announce(
            id,
            from,
            to,
            Some(verdict),
            generation,
        )?);
    }
    // Oldest first, as the statement ordered them.
    for session in &due {
        let verdict = session.verdict;
        if let Some(rule) = rules.iter_mut().find(|rule| Some(rule.name) == verdict) {
            rule.rows += 1;
            rule.oldest_age.get_or_insert(session.age);
        }
    }
    Ok(Swept {
        rules,
        moved,
        early,
    })
}
