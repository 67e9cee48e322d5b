//! Rounds of the regular work: running rules one after the other, in units, until nothing is due.

use std::time::{Duration, Instant};

use pgrx::datum::Uuid;

use crate::postgres::caller::{self, Admitted};
use crate::postgres::error::Result;
use crate::postgres::transaction::{Fault, Scope};
use crate::regular::figures::Outcome;
use crate::regular::unit::sql_triggers;
use crate::regular::unit::troubles::{self, Trouble};
use crate::regular::unit::{MOST_STREAMS, Rule, Tally, Unit, add};

/// After this many failures, or this time in failures, a rule is given up for the round, so that other rules run.
const MOST_FAILURES: usize = 64;
const MOST_TIME_IN_FAILURES: Duration = Duration::from_secs(4);

/// The rules of a round and how far they have come.
pub struct Round {
    rules: Vec<Running>,
    /// Streams whose row in stream_sessions a unit of this round has written.
    written: Vec<Uuid>,
}

struct Running {
    rule: Box<dyn Rule>,
    /// Streams with recorded failures that wait, and those that were handled, failed or passed over.
    skipping: Vec<Uuid>,
    /// Streams with recorded failures that may be tried again, and whether the rule as a whole is one.
    on_trial: Vec<Uuid>,
    is_on_trial: bool,
    limit: usize,
    rows_left: i32,
    failures: usize,
    failing: Duration,
    is_over: bool,
    is_given_up: bool,
    tallies: Vec<Tally>,
}

/// The outcome of a step.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// A unit was done; there may be more.
    Worked,
    /// Nothing is due.
    Over,
    /// Another ticker is at work, or the process was cancelled.
    Stopped,
    /// The unit failed before any rule, with this SQLSTATE.
    Failed(String),
}

impl Round {
    /// Each rule handles at most `batch` rows.
    pub fn new(rules: Vec<Box<dyn Rule>>, batch: i32, troubles: &[Trouble]) -> Self {
        let rules = rules
            .into_iter()
            .map(|rule| Running::new(rule, batch, troubles))
            .collect();
        Self {
            rules,
            written: Vec::new(),
        }
    }

    /// Does one unit, if `begin` returns true in the same transaction. A failure is recorded and leaves the rest of the
    /// unit to the next step.
    pub fn step(
        &mut self,
        scope: Scope,
        at_most: Duration,
        begin: impl FnOnce(Admitted) -> Result<bool>,
    ) -> Step {
        let Self { rules, written } = self;
        // Outlives the unit's transaction, so that the failed stream is known.
        let mut at: Option<(usize, Unit)> = None;
        let outcome = scope.run(at_most, || {
            let admitted = caller::enter_as_owner()?;
            if !begin(admitted)? {
                return Ok(Step::Stopped);
            }
            if scope == Scope::Transaction {
                sql_triggers::begin_unit()?;
            }
            let began_at = Instant::now();
            for (index, running) in rules.iter_mut().enumerate() {
                while !running.is_over {
                    let unit = running.begin(admitted, began_at, written);
                    let (_, unit) = at.insert((index, unit));
                    running.rule.unit(unit)?;
                    running.pass(unit)?;
                    if unit.has_begun {
                        return Ok(Step::Worked);
                    }
                    // A locked stream is skipped for the whole round, even if the unit is rolled back.
                    running.skipping.append(&mut unit.passed_over);
                }
            }
            at = None;
            Ok(Step::Over)
        });
        match outcome {
            Ok(step) => {
                if let (Step::Worked, Some((index, unit))) = (&step, at) {
                    // It includes the streams that earlier units wrote.
                    written.clone_from(&unit.written);
                    rules[index].keep(unit);
                }
                step
            }
            Err(fault) if fault.is_cancel => Step::Stopped,
            Err(fault) => {
                let Some((index, unit)) = at else {
                    return Step::Failed(fault.sqlstate);
                };
                rules[index].fail(scope, at_most, &fault, &unit);
                Step::Worked
            }
        }
    }

    /// Whether a rule was given up.
    pub fn has_failed(&self) -> bool {
        self.rules.iter().any(|running| running.is_given_up)
    }

    /// What each rule has done so far: the handled rows, by the names under which they are reported, and whether it
    /// has come to its end without failing.
    pub fn into_outcomes(self) -> Vec<Outcome> {
        let outcomes = self.rules.into_iter().flat_map(|running| {
            let rule = running.rule.name();
            let has_run = running.is_over && !running.is_given_up;
            let own = Tally {
                rule,
                rows: 0,
                oldest_age: None,
            };
            let mut tallies = vec![own];
            for tally in running.tallies {
                add(&mut tallies, tally);
            }
            tallies.into_iter().map(move |tally| Outcome {
                has_run: has_run && tally.rule == rule,
                tally,
            })
        });
        outcomes.collect()
    }
}

impl Running {
    fn new(rule: Box<dyn Rule>, batch: i32, troubles: &[Trouble]) -> Self {
        let name = rule.name();
        let of_rule = || troubles.iter().filter(move |trouble| trouble.rule == name);
        let sessions = |lies_ahead: bool| {
            of_rule()
                .filter(move |trouble| trouble.lies_ahead == lies_ahead)
                .filter_map(|trouble| trouble.session)
                .collect()
        };
        let whole = of_rule().find(|trouble| trouble.session.is_none());
        Self {
            rule,
            skipping: sessions(true),
            on_trial: sessions(false),
            is_on_trial: whole.is_some(),
            limit: MOST_STREAMS,
            rows_left: batch,
            failures: 0,
            failing: Duration::ZERO,
            is_over: whole.is_some_and(|trouble| trouble.lies_ahead),
            is_given_up: whole.is_some_and(|trouble| trouble.lies_ahead),
            tallies: Vec::new(),
        }
    }

    fn begin(&self, admitted: Admitted, began_at: Instant, written: &[Uuid]) -> Unit {
        let mut unit = Unit::new(
            admitted,
            began_at,
            self.limit,
            self.rows_left,
            self.skipping.clone(),
        );
        unit.written.extend(written);
        unit
    }

    /// Ends a unit that did not fail: clears the recorded failures of streams that it handled, in the same
    /// transaction.
    fn pass(&mut self, unit: &Unit) -> Result<()> {
        if !unit.has_begun && unit.passed_over.is_empty() {
            self.is_over = true;
        }
        let is_handled = |session: &&Uuid| unit.handled.contains(session);
        let passed: Vec<Uuid> = self.on_trial.iter().filter(is_handled).copied().collect();
        if !passed.is_empty() {
            troubles::clear(self.rule.name(), Some(passed))?;
        }
        if self.is_on_trial {
            troubles::clear(self.rule.name(), None)?;
        }
        Ok(())
    }

    /// Takes over the results of a unit whose transaction or subtransaction is committed.
    fn keep(&mut self, mut unit: Unit) {
        self.is_on_trial = false;
        self.rows_left = unit.rows_left;
        self.is_over |= self.rows_left <= 0;
        self.skipping.append(&mut unit.handled);
        self.skipping.append(&mut unit.passed_over);
        for tally in unit.tallies {
            add(&mut self.tallies, tally);
        }
    }

    /// Records the failure of a unit that is rolled back. The stream at which it failed is skipped from now on; where no
    /// stream was being handled, at deferred triggers for example, the next unit has half as many streams.
    fn fail(&mut self, scope: Scope, at_most: Duration, fault: &Fault, unit: &Unit) {
        let culprit = match (unit.current, unit.handled.as_slice()) {
            (Some(session), _) => Some(session),
            (None, [session]) => Some(*session),
            (None, []) => None,
            (None, several) => {
                self.limit = (several.len() / 2).max(1);
                return;
            }
        };
        self.limit = MOST_STREAMS;
        self.failures += 1;
        self.failing += unit.began_at.elapsed();
        match culprit {
            Some(session) => self.skipping.push(session),
            None => self.is_given_up = true,
        }
        self.is_given_up |= self.failures >= MOST_FAILURES || self.failing >= MOST_TIME_IN_FAILURES;
        self.is_over |= self.is_given_up;
        troubles::report(scope, at_most, self.rule.name(), culprit, fault, || {
            culprit.map_or(Ok(()), |session| self.rule.failed(session))
        });
    }
}
