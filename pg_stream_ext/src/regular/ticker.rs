//! Ticks: the entry points of the regular work.
//!
//! The background worker, edge_api or pg_cron call them. One at a time works, the others return at
//! once, so any number of callers does no harm.

mod mark;
mod planning;
mod rules;
mod work;

use std::cell::RefCell;
use std::time::{Duration, Instant};

use pgrx::datum::Interval;
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::postgres::caller::{self, Admitted, Caller};
use crate::postgres::error::{Result, or_raise};
use crate::postgres::transaction::{self, Scope};
use crate::regular::sweep;
use crate::regular::ticker::work::{Division, Work};
use crate::regular::unit::UNIT_TIMEOUT;

/// After this time a tick within one transaction begins no further unit of its round, because its locks are held until
/// the end.
const CALL_BUDGET: Duration = Duration::from_secs(1);

/// After this many units it begins no further one either: more subtransactions make the snapshots of others slower.
const CALL_UNITS: usize = 50;

/// The pause between two ticks of the loop of pg_cron, in seconds.
const PAUSE_S: f64 = 0.05;

/// The duration of that loop, of which pg_cron starts one a minute.
const LOOP_FOR: Duration = Duration::from_millis(58_500);

/// Sends unsent entries, counts viewers, sweeps, and marks that a ticker is alive.
#[pg_extern(name = "tick")]
fn tick_function() {
    or_raise(tick())
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
    let rules = or_raise(enter_as_service().and_then(sweep::sweep));
    TableIterator::new(
        rules
            .into_iter()
            .map(|tally| (tally.rule, tally.rows, tally.oldest_age)),
    )
}

/// Begins the loop that calls [`work_function`], and sets its end.
#[pg_extern]
fn begin_work() {
    or_raise(caller::enter_as_owner());
    // SAFETY: a plain integer of this backend.
    let timeout_ms = u64::try_from(unsafe { pg_sys::StatementTimeout }).unwrap_or(0);
    // The whole loop is one statement.
    let within = match timeout_ms {
        0 => LOOP_FOR,
        timeout_ms => LOOP_FOR.min(Duration::from_millis(timeout_ms) * 4 / 5),
    };
    LOOP.replace(Some(Loop {
        ends_at: Instant::now() + within,
        work: None,
    }));
}

/// Does one unit, for a loop that commits after each; returns whether the loop goes on.
#[pg_extern(name = "work")]
fn work_function() -> bool {
    or_raise(work_in_loop())
}

/// The seconds that the loop sleeps before the next unit.
#[pg_extern(name = "pause")]
fn pause_function() -> f64 {
    or_raise(caller::enter_as_owner());
    let has_more =
        LOOP.with_borrow(|state| state.as_ref().is_some_and(|state| state.work.is_some()));
    if has_more { 0.0 } else { PAUSE_S }
}

fn enter_as_service() -> Result<Admitted> {
    match caller::enter_to_write()? {
        Caller::Service(admitted) => Ok(admitted),
        Caller::User { .. } => Err(ErrorCode::Forbidden.into()),
    }
}

/// Runs one tick in the caller's transaction. It ends before a statement_timeout of the caller, which would roll it
/// back.
fn tick() -> Result<()> {
    let admitted = enter_as_service()?;
    if transaction::is_inside() {
        return Ok(());
    }
    // SAFETY: a plain integer of this backend.
    let timeout_ms = u64::try_from(unsafe { pg_sys::StatementTimeout }).unwrap_or(0);
    let share = match timeout_ms {
        0 => Duration::MAX,
        timeout_ms => Duration::from_millis(timeout_ms) / 5,
    };
    let division = Division {
        scope: Scope::Subtransaction,
        unit_timeout: UNIT_TIMEOUT.min(share),
        commits: false,
    };
    let began_at = Instant::now();
    let due = mark::Due::look(admitted)?;
    let Some(mut work) = find_work(division, due, || {
        transaction::check_constraints();
        rules::wait_for_passed_over(admitted)
    })?
    else {
        return Ok(());
    };
    let mut units = 0;
    while work.step() {
        units += 1;
        if units >= CALL_UNITS || began_at.elapsed() >= CALL_BUDGET.min(share) {
            work.cut_round_short();
        }
    }
    Ok(())
}

/// Claims the ticker's row until the end of the transaction and returns the work that is due. Works without the claim
/// when the row is locked by a transaction that is no ticker.
fn find_work(
    division: Division,
    due: mark::Due,
    once_found: impl FnOnce() -> Result<()>,
) -> Result<Option<Work>> {
    if due.is_nothing() {
        return Ok(None);
    }
    let is_claimed = mark::claim()?;
    if !is_claimed && !due.is_abandoned {
        return Ok(None);
    }
    if due.round {
        once_found()?;
    }
    Work::begin(division, due, !is_claimed).map(Some)
}

struct Loop {
    ends_at: Instant,
    work: Option<Work>,
}

thread_local! {
    static LOOP: RefCell<Option<Loop>> = const { RefCell::new(None) };
}

fn work_in_loop() -> Result<bool> {
    let admitted = caller::enter_as_owner_to_write()?;
    // Taken out meanwhile: a trigger could call this again.
    let Some(mut state) = LOOP.take() else {
        return Ok(false);
    };
    if Instant::now() >= state.ends_at {
        return Ok(false);
    }
    step_in_loop(admitted, &mut state)?;
    LOOP.replace(Some(state));
    Ok(true)
}

fn step_in_loop(admitted: Admitted, state: &mut Loop) -> Result<()> {
    let division = Division {
        scope: Scope::Subtransaction,
        unit_timeout: UNIT_TIMEOUT,
        commits: true,
    };
    let may_work = match &state.work {
        Some(work) => work.is_without_claim() || mark::can_be_claimed() && mark::claim()?,
        // An error would end the loop, and the regular work until the next minute.
        None => match division
            .scope
            .run(UNIT_TIMEOUT, || mark::Due::look(admitted))
        {
            Ok(due) => {
                state.work = find_work(division, due, || Ok(()))?;
                true
            }
            Err(fault) => {
                work::report_failed_look(division, &fault);
                false
            }
        },
    };
    let has_more = match &mut state.work {
        Some(work) if may_work => work.step(),
        _ => false,
    };
    if !has_more {
        state.work = None;
    }
    Ok(())
}

/// Runs one tick of the background worker, which is in no transaction: each unit is one.
pub fn tick_in_transactions() {
    let division = Division {
        scope: Scope::Transaction,
        unit_timeout: UNIT_TIMEOUT,
        commits: true,
    };
    let found = division.scope.run(division.unit_timeout, || {
        let admitted = caller::enter_as_owner_to_write()?;
        let due = mark::Due::look(admitted)?;
        if due.is_nothing() {
            return Ok(None);
        }
        let without_claim = due.is_abandoned && !mark::claim()?;
        Work::begin(division, due, without_claim).map(Some)
    });
    match found {
        Ok(None) => {}
        Ok(Some(mut work)) => while !is_to_end() && work.step() {},
        Err(fault) if fault.is_cancel => {}
        Err(fault) => work::report_failed_look(division, &fault),
    }
}

/// Whether the worker got SIGTERM, which does not cancel its statements.
fn is_to_end() -> bool {
    // SAFETY: a flag that a signal handler sets.
    unsafe { (&raw const pg_sys::ShutdownRequestPending).read_volatile() != 0 }
}
