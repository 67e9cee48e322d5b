//! The sweep: rules that time out, clean up and delete what is overdue.
//!
//! Every rule finds its rows by an index on the time at which they are due, takes at most a batch, and skips locked
//! rows. Running it twice, or from two processes, changes nothing more.

mod clock_set_back;
mod dated;
mod ended_streams;
mod expiring_tokens;
mod late_events;
mod notices;
mod retention;
mod sessions;
mod swept;

use std::cell::Cell;

use crate::postgres::caller::Admitted;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};
use crate::postgres::transaction::{self, Scope};
use crate::regular::figures::{self, Outcome};
use crate::regular::unit::round::{Round, Step};
use crate::regular::unit::troubles;
use crate::regular::unit::{Rule, Tally, UNIT_TIMEOUT};
pub use clock_set_back::mark_swept;
pub use sessions::wait_for_passed_over;

statements! {
    BATCH_SIZE: Write [] -> i32,
        "select c.sweep_batch_size from stream.config as c";
}

/// The rules that are reported, in this order.
const REPORTED: [&str; 11] = [
    "late_events",
    "viewer_leases",
    "expiring_tokens",
    "tokens",
    "restrictions",
    "ended_resources",
    "retention",
    "webhook_events",
    "webhook_cursors",
    "requests",
    "start_rates",
];

/// Rows that one sweep handles for each rule.
pub fn batch_size() -> Result<i32> {
    Ok(spi::first(&BATCH_SIZE, &[])?.unwrap_or(1))
}

/// The number of rules up to the one that times out sessions.
pub const JUDGING_RULES: usize = 5;

/// The rules in the order in which they run: late events before what makes newer ones; leases before sessions, so that a session whose viewers are counted in its
/// update is counted without expired leases.
pub fn rules(count: bool, waits_for_passed_over: bool) -> Vec<Box<dyn Rule>> {
    vec![
        Box::new(late_events::LateEvents),
        Box::new(clock_set_back::ClockCorrection),
        dated::leases(),
        // For streams that ended before this sweep.
        Box::new(ended_streams::EndedStreams),
        Box::new(sessions::Sessions {
            count,
            waits_for_passed_over: Cell::new(waits_for_passed_over),
        }),
        Box::new(expiring_tokens::ExpiringTokens),
        dated::tokens(),
        dated::restrictions(),
        Box::new(retention::Retention),
        dated::webhook_events(),
        dated::webhook_cursors(),
        dated::requests(),
        dated::start_rates(),
    ]
}

/// Runs every rule once, in subtransactions of the caller's transaction; returns what each rule did.
pub fn sweep(admitted: Admitted) -> Result<Vec<Tally>> {
    let mut reported: Vec<Tally> = sessions::VERDICTS
        .iter()
        .chain(&REPORTED)
        .map(|rule| Tally {
            rule,
            rows: 0,
            oldest_age: None,
        })
        .collect();
    if transaction::is_inside() {
        return Ok(reported);
    }
    let troubles = troubles::load()?;
    let batch = batch_size()?;
    transaction::check_constraints();
    wait_for_passed_over(admitted)?;
    let mut round = Round::new(rules(false, false), batch, &troubles);
    while round.step(Scope::Subtransaction, UNIT_TIMEOUT, |_| Ok(true)) == Step::Worked {}
    let outcomes = round.into_outcomes();
    // If the ticker's row is locked, the sweep is still done, and without its figures too.
    let _ = Scope::Subtransaction.run(UNIT_TIMEOUT, mark_swept);
    let _ = Scope::Subtransaction.run(UNIT_TIMEOUT, || figures::record(&outcomes));
    for Outcome { tally, .. } in outcomes {
        if let Some(known) = reported.iter_mut().find(|known| known.rule == tally.rule) {
            (known.rows, known.oldest_age) = (tally.rows, tally.oldest_age);
        }
    }
    Ok(reported)
}
