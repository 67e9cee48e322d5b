//! The rules of a round, in their order.

use std::cell::Cell;

use crate::postgres::caller::Admitted;
use crate::postgres::error::Result;
use crate::regular::canary::Canary;
use crate::regular::reactions::Reactions;
use crate::regular::sweep;
use crate::regular::unit::round::Round;
use crate::regular::unit::troubles::Trouble;
use crate::regular::viewer_counts::{self, ViewerCounts};

/// A round of all rules but the governor and the one for unsent entries. Where units are committed, rules that wait do
/// so themselves.
pub fn round(commits: bool, troubles: &[Trouble]) -> Result<Round> {
    let mut rules = sweep::rules(true, commits);
    // After the rules that end leases, and before those that only clean up.
    let counts = ViewerCounts {
        waits_for_passed_over: Cell::new(commits),
    };
    rules.insert(sweep::JUDGING_RULES, Box::new(counts));
    rules.insert(sweep::JUDGING_RULES + 1, Box::new(Reactions));
    rules.push(Box::new(Canary));
    Ok(Round::new(rules, sweep::batch_size()?, troubles))
}

/// Waits for the streams that were locked in earlier rounds, before anything is locked in a transaction that holds its
/// locks until the last unit.
pub fn wait_for_passed_over(admitted: Admitted) -> Result<()> {
    sweep::wait_for_passed_over(admitted)?;
    viewer_counts::wait_for_passed_over(admitted)
}
