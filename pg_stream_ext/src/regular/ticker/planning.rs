//! The governor's plan within a tick, apart from its round, which may be long or cut short: windows must follow the load.

use std::time::{Duration, Instant};

use crate::postgres::error::Result;
use crate::postgres::transaction::Scope;
use crate::regular::governor::{self, Governor};
use crate::regular::unit::Rule;
use crate::regular::unit::round::{Round, Step};
use crate::regular::unit::troubles::Trouble;

/// The interval of plans during a round. A plan holds for two seconds.
const PLAN_EVERY: Duration = Duration::from_secs(1);

/// The plan that is being made, if one is.
#[derive(Default)]
pub struct Planning {
    plan: Option<Round>,
    is_begun: bool,
    /// When the last plan of this tick began; none after one that was given up.
    began_at: Option<Instant>,
}

impl Planning {
    pub fn begin(&mut self, troubles: &[Trouble]) {
        let governor: Box<dyn Rule> = Box::<Governor>::default();
        self.plan = Some(Round::new(vec![governor], i32::MAX, troubles));
        self.is_begun = false;
        self.began_at = Some(Instant::now());
    }

    pub fn is_under_way(&self) -> bool {
        self.plan.is_some()
    }

    /// Whether the last plan of this tick is old.
    pub fn is_due_again(&self) -> bool {
        self.began_at.is_some_and(|at| at.elapsed() >= PLAN_EVERY)
    }

    /// Does the next unit; returns the SQLSTATE of a failure outside the rule.
    pub fn step(
        &mut self,
        scope: Scope,
        unit_timeout: Duration,
        claim: impl FnOnce() -> Result<bool>,
    ) -> Option<String> {
        let mut plan = self.plan.take()?;
        // Where nothing is planned no transaction id is spent.
        let is_begun = std::mem::replace(&mut self.is_begun, true);
        let step = plan.step(scope, unit_timeout, |_| {
            Ok((is_begun || governor::is_due()?) && claim()?)
        });
        match step {
            Step::Worked => self.plan = Some(plan),
            Step::Over | Step::Stopped if !plan.has_failed() => {}
            // The next tick tries again.
            Step::Over | Step::Stopped => self.began_at = None,
            Step::Failed(sqlstate) => {
                self.began_at = None;
                return Some(sqlstate);
            }
        }
        None
    }
}
