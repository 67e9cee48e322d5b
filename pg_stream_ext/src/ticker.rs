//! What happens regularly, whoever calls for it?
//!
//! The background worker, edge_api or pg_cron call `tick`. One at a time works, the others go away at
//! once, so any number of them does no harm.

use std::cell::Cell;
use std::collections::HashSet;
use std::time::Duration;

use pgrx::datum::{Interval, TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::caller::{self, Caller};
use crate::error::{Result, answer};
use crate::gate;
use crate::spi::{self, column, statements};
use crate::sweep;
use crate::tails::Tails;
use crate::unit::round::{Round, Step};
use crate::unit::scope::Scope;
use crate::unit::troubles;

statements! {
    /// A number of our own; held until the transaction ends.
    ONLY_ONE: Write []
        "select pg_try_advisory_xact_lock(hashtextextended('pg_stream_ext.tick', 0))";

    /// Twice a second is enough for those who ask whether a ticker is alive. The first tick after half
    /// a second marks, so a mark that comes soon after it tells of ticks in quick succession. A time ahead
    /// of the clock is from before the clock was set back.
    MARK_TICKED: Write []
        "update stream.ticker
         set ticked_at = now(),
             sends_at = case
                 when ticked_at between now() - interval '600 milliseconds' and now() then now()
                 else sends_at end
         where id and (ticked_at <= now() - interval '500 milliseconds' or ticked_at > now())";

    SENDS_AT: Write []
        "select t.sends_at from stream.ticker as t";

    /// Counting and sweeping is due about once a second.
    ROUND_IS_DUE: Write []
        "select t.swept_at <= now() - interval '900 milliseconds' or t.swept_at > now()
         from stream.ticker as t";

    TAKE_CHANGES: Write []
        "with taken as (
             delete from stream.viewer_changes as d where d.id in (
                 select e.id from stream.viewer_changes as e
                 order by e.id limit 10000 for update skip locked)
             returning d.session_id
         )
         select distinct t.session_id from taken as t order by t.session_id";

    LOCK_SESSION: Write [UUIDOID]
        "select s.state <> 'ended' from stream.stream_sessions as s
         where s.id = $1 for no key update skip locked";

    SESSION_IS_THERE: Write [UUIDOID]
        "select true from stream.stream_sessions as s where s.id = $1";

    RECOUNT: Write [UUIDOID]
        "update stream.stream_sessions as s
         set viewer_count = counted.active,
             peak_viewer_count = greatest(s.peak_viewer_count, counted.active)
         from (
             select count(*)::integer as active from stream.stream_viewers as v
             where v.session_id = $1 and v.is_active
         ) as counted
         where s.id = $1 and s.viewer_count <> counted.active";

    NOTE_AGAIN: Write [UUIDOID]
        "insert into stream.viewer_changes (session_id) values ($1)";
}

/// How long a unit may take.
const MOST_UNIT_TIME: Duration = Duration::from_secs(2);

/// How long after its last sign of life a ticker counts as alive, in microseconds.
const ALIVE_US: i64 = 2_000_000;

/// How long it counts as dead without looking again, in microseconds. A living one is not looked for
/// before its time is over.
const DEAD_US: i64 = 500_000;

/// What was seen last.
#[derive(Clone, Copy)]
struct Sign {
    looked_at: i64,
    sends_at: i64,
}

thread_local! {
    static LAST_SIGN: Cell<Option<Sign>> = const { Cell::new(None) };
}

/// Whether somebody will send what is left over, and soon: a ticker that comes once a second would keep
/// messages waiting for that long.
pub fn was_seen_lately(now: TimestampWithTimeZone) -> Result<bool> {
    let now = now.into_inner();
    let is_alive = |sign: Sign| now.abs_diff(sign.sends_at) <= ALIVE_US.unsigned_abs();
    if let Some(sign) = LAST_SIGN.get()
        && (is_alive(sign) || now.abs_diff(sign.looked_at) < DEAD_US.unsigned_abs())
    {
        return Ok(is_alive(sign));
    }
    let sends_at = spi::first(&SENDS_AT, &[], |row| {
        Ok(column::<TimestampWithTimeZone>(row, 1)?.into_inner())
    })?;
    let sign = Sign {
        looked_at: now,
        sends_at: sends_at.unwrap_or(i64::MIN),
    };
    LAST_SIGN.set(Some(sign));
    Ok(is_alive(sign))
}

/// Sends the tails of logs, counts, sweeps, and notes that a ticker is alive.
#[pg_extern(name = "tick")]
fn tick_function() {
    answer(tick())
}

/// Runs every sweep rule once, at once.
#[pg_extern(name = "sweep")]
fn sweep_function() -> TableIterator<
    'static,
    (
        name!(rule, &'static str),
        name!(rows, i32),
        name!(oldest_age, Option<Interval>),
    ),
> {
    let rules = answer(
        enter_as_service()
            .and_then(|()| sweep::begin())
            .and_then(|task| sweep::sweep(&task))
            .and_then(|swept| swept.write(false).map(|_| swept.rules)),
    );
    TableIterator::new(
        rules
            .into_iter()
            .map(|rule| (rule.name, rule.rows, rule.oldest_age)),
    )
}

fn enter_as_service() -> Result<()> {
    match caller::enter_to_write()? {
        Caller::Service => Ok(()),
        Caller::User { .. } => Err(ErrorCode::Forbidden.into()),
    }
}

fn tick() -> Result<()> {
    enter_as_service()?;
    let is_alone = spi::first(&ONLY_ONE, &[], |row| column(row, 1))?;
    if is_alone != Some(true) {
        return Ok(());
    }
    if spi::first(&ROUND_IS_DUE, &[], |row| column(row, 1))? == Some(true) {
        // Whoever may have to be waited for comes first: the sweep takes leases, and a join that waits
        // for one of those holds the gate.
        let task = sweep::begin()?;
        let mut changed = lock_changed(true)?;
        let swept = sweep::sweep(&task)?;
        changed.extend(lock_changed(false)?);
        let counted = swept.write(true)?;
        recount(changed, &counted, &task.corrected)?;
    }
    // After the sweep, which waits for rows that another sweep may hold: that one marks the same row
    // at its end.
    spi::execute(&MARK_TICKED, &[])?;
    // Last, because relay rows come last in the lock order.
    send_tails()
}

/// Sends what writers left to the ticker, some streams at a time.
fn send_tails() -> Result<()> {
    let mut round = Round::new(&[&Tails], i32::MAX, &troubles::load()?);
    while round.step(Scope::Subtransaction, MOST_UNIT_TIME, || Ok(true)) == Step::Worked {}
    Ok(())
}

/// Counts the viewers of locked sessions, those apart that this transaction has counted in another
/// update: it must not make a second one. Whether the viewers of those that were `corrected` changed
/// later is not known, so the next round counts them again.
fn recount(changed: Vec<Uuid>, counted: &[Uuid], corrected: &[Uuid]) -> Result<()> {
    let key = |session: &Uuid| *session.as_bytes();
    let mut done: HashSet<_> = counted.iter().map(key).collect();
    let corrected: HashSet<_> = corrected.iter().map(key).collect();
    for session in changed {
        if !done.insert(key(&session)) {
            continue;
        }
        let statement = if corrected.contains(&key(&session)) {
            &NOTE_AGAIN
        } else {
            &RECOUNT
        };
        spi::execute(statement, &[session.into()])?;
    }
    Ok(())
}

/// Locks the live sessions whose viewers changed. One that somebody else holds is counted in the next
/// round; `may_wait` for the first of those a moment before.
fn lock_changed(mut may_wait: bool) -> Result<Vec<Uuid>> {
    let changed = spi::run(&TAKE_CHANGES, &[], |rows| {
        rows.map(|row| column::<Uuid>(&row, 1))
            .collect::<Result<Vec<_>>>()
    })?;
    let mut live = Vec::with_capacity(changed.len());
    for session in changed {
        let mut is_live = lock_session(session)?;
        if is_live.is_none() && may_wait {
            // Whoever does not let go in time costs a round this wait once.
            may_wait = gate::close_soon(session)?;
            is_live = lock_session(session)?;
        }
        match is_live {
            Some(true) => live.push(session),
            Some(false) => {}
            None => {
                if spi::execute(&SESSION_IS_THERE, &[session.into()])? == 1 {
                    spi::execute(&NOTE_AGAIN, &[session.into()])?;
                }
            }
        }
    }
    Ok(live)
}

/// Whether the session is live; nothing when somebody else holds it, or when it is gone.
fn lock_session(session: Uuid) -> Result<Option<bool>> {
    spi::first(&LOCK_SESSION, &[session.into()], |row| column(row, 1))
}
