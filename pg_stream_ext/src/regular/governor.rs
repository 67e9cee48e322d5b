//! The rule `governor`: counts what broadcasts have cost of Realtime's quota, plans the windows in which they wait, and
//! broadcasts the viewer counts whose window has passed.
//!
//! One plan is made in a round, from one read of all live streams. The rows of `chat_relay` that change are then written
//! in units, by key; a row that somebody holds keeps its windows until the next plan.

mod change;
mod known;
mod live;
mod spending;
mod state;

use std::cell::RefCell;

use pgrx::datum::TimestampWithTimeZone;
use stream_core::governor::{Budget, Plan, plan};

use crate::clock::{self, MICROSECONDS_PER_S};
use crate::postgres::caller::Admitted;
use crate::postgres::column::columns;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};
use crate::regular::governor::change::Change;
use crate::regular::governor::live::Live;
use crate::regular::governor::spending::Spending;
use crate::regular::governor::state::{State, Streams};
use crate::regular::unit::{Rule, Unit};

statements! {
    SETTINGS: Write [] -> Settings,
        "select c.realtime_messages_per_s as limit_per_s, c.realtime_share_percent as share_percent
         from stream.config as c limit 1";
}

columns! {
    #[derive(Clone, Copy)]
    struct Settings {
        limit_per_s: i32,
        share_percent: i32,
    }
}

/// Without a limit nothing is planned, and what was sent is counted this often, in microseconds.
const COUNT_EVERY_US: i64 = 5 * MICROSECONDS_PER_S;

/// The shortest time between two plans, in microseconds. Rounds come about once a second.
const PLAN_EVERY_US: i64 = MICROSECONDS_PER_S / 2;

#[derive(Default)]
pub struct Governor {
    /// What the plan of this round changes and is not written yet. A unit that is rolled back loses its part, which the
    /// next plan finds again.
    changes: RefCell<Option<Vec<Change>>>,
}

impl Rule for Governor {
    fn name(&self) -> &'static str {
        "governor"
    }

    fn unit(&self, unit: &mut Unit) -> Result<()> {
        let admitted = unit.admitted();
        let known = self.changes.take();
        let mut changes = match known {
            Some(changes) => changes,
            None => make_plan(admitted)?,
        };
        let skipping = unit.skipping();
        while !unit.is_over()
            && let Some(change) = changes.pop()
        {
            if skipping.contains(&change.session) {
                continue;
            }
            let is_written = unit.stream(change.session, || change.write(admitted))?;
            if !is_written {
                unit.pass_over(change.session);
            }
        }
        self.changes.replace(Some(changes));
        Ok(())
    }
}

/// Whether a plan is due. Writes and locks nothing.
pub fn is_due() -> Result<bool> {
    let Some(settings) = spi::first(&SETTINGS, &[])? else {
        return Ok(false);
    };
    let now = clock::now()?;
    Ok(State::read()?.is_none_or(|state| has_passed(settings, &state, now)))
}

fn has_passed(settings: Settings, state: &State, now: TimestampWithTimeZone) -> bool {
    let every_us = match (settings.limit_per_s, state.limit_per_s) {
        (0, 0) => COUNT_EVERY_US,
        _ => PLAN_EVERY_US,
    };
    // A time ahead of the clock is from before the clock was set back.
    !(0..every_us).contains(&change::microseconds_since(state.planned_at, now))
}

/// Counts, plans, and returns what changes; nothing when a plan was made lately or is being made.
fn make_plan(admitted: Admitted) -> Result<Vec<Change>> {
    let Some(settings) = spi::first(&SETTINGS, &[])? else {
        return Ok(Vec::new());
    };
    // Nothing that was read before the lock: what another ticker has counted since would be counted twice.
    let Some(state) = State::lock_or_create()? else {
        return Ok(Vec::new());
    };
    let now = clock::now()?;
    if !has_passed(settings, &state, now) {
        return Ok(Vec::new());
    }
    let live = live::all()?;
    let sends = spending::take_sends()?;
    let has_limit = settings.limit_per_s > 0 || state.limit_per_s > 0;
    if live.is_empty() && sends.is_empty() && state.is_empty() && !has_limit {
        return Ok(Vec::new());
    }
    let streams = Streams::measure(admitted, &state, &live, &sends, now)?;
    streams.spending.write(now, state.planned_at)?;
    spending::clean_up(now)?;
    let (spent, urgent) = Spending::of_last_minute(now)?;
    let budget = Budget {
        limit_per_s: settings.limit_per_s.unsigned_abs(),
        share_percent: settings.share_percent.unsigned_abs(),
        spent,
        urgent,
    };
    let plan = plan(&budget, &streams.sessions);
    streams.write(settings.limit_per_s, &plan, now)?;
    changes(&live, &plan)
}

fn changes(live: &[Live], plan: &Plan) -> Result<Vec<Change>> {
    let now = clock::now()?;
    let of = |(live, windows)| Change::of(live, windows, now);
    Ok(live.iter().zip(&plan.windows).filter_map(of).collect())
}
