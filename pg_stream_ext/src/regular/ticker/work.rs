//! The steps of one tick: sending unsent entries, and once a second a round of counting and sweeping.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::log::relay_queue;
use crate::postgres::error::Result;
use crate::postgres::transaction::{Fault, Scope};
use crate::regular::figures::{self, FIGURES};
use crate::regular::sweep;
use crate::regular::ticker::mark::{self, Due};
use crate::regular::ticker::planning::Planning;
use crate::regular::ticker::rules;
use crate::regular::unit::Rule;
use crate::regular::unit::round::{Round, Step};
use crate::regular::unit::troubles::{self, Trouble};
use crate::regular::unsent_entries::UnsentEntries;

/// The interval at which unsent entries are sent during a round.
const TAILS_EVERY: Duration = Duration::from_millis(50);

/// The name in `stream.troubles` of failures outside every rule: at the row of the ticker, and in reads before any unit.
pub const TICKER: &str = "ticker";

thread_local! {
    /// Whether the last unsent entries could be sent, as far as this process knows.
    static SENDS: Cell<bool> = const { Cell::new(true) };

    /// When a round ended that could not be marked, because the ticker's row was locked.
    static UNMARKED_ROUND_AT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// How a tick is divided into transactions.
#[derive(Clone, Copy)]
pub struct Division {
    pub scope: Scope,
    pub unit_timeout: Duration,
    /// Each unit is a transaction of its own, or is committed before the next.
    pub commits: bool,
}

/// The remaining work of a tick.
pub struct Work {
    division: Division,
    troubles: Vec<Trouble>,
    /// Whether it works although another transaction holds the ticker's row.
    without_claim: bool,
    mark: bool,
    round: Option<Round>,
    planning: Planning,
    tails: Option<Round>,
    tails_at: Option<Instant>,
}

impl Work {
    /// Collects what is due. Writes nothing.
    pub fn begin(division: Division, mut due: Due, without_claim: bool) -> Result<Self> {
        if without_claim {
            let recently = |at: Instant| at.elapsed() < Duration::from_millis(900);
            due.round &= !UNMARKED_ROUND_AT.get().is_some_and(recently);
            due.mark = false;
        }
        let troubles = troubles::load()?;
        let round = due
            .round
            .then(|| rules::round(division.commits, &troubles))
            .transpose()?;
        let mut work = Self {
            division,
            troubles,
            without_claim,
            mark: due.mark,
            round,
            planning: Planning::default(),
            tails: None,
            tails_at: None,
        };
        if due.round {
            work.planning.begin(&work.troubles);
        }
        if due.tails {
            work.begin_tails();
        } else {
            // Nothing is unsent.
            SENDS.set(true);
        }
        Ok(work)
    }

    /// Does the next unit; returns whether there is more.
    pub fn step(&mut self) -> bool {
        if std::mem::take(&mut self.mark) {
            return self.mark();
        }
        if self.planning.is_under_way() && self.division.commits {
            return self.step_plan();
        }
        // Within one transaction windows are planned and entries sent last: the lock order puts relay rows at the end.
        if self.round.is_some() && !self.division.commits {
            return self.step_round();
        }
        if self.planning.is_under_way() {
            return self.step_plan();
        }
        if self.tails.is_some() {
            return self.step_tails();
        }
        if self.round.is_none() {
            return false;
        }
        if self.tails_at.is_none_or(|at| at.elapsed() >= TAILS_EVERY) {
            self.begin_tails();
            return self.step_tails();
        }
        if self.division.commits && self.planning.is_due_again() {
            self.planning.begin(&self.troubles);
            return self.step_plan();
        }
        self.step_round()
    }

    pub fn is_without_claim(&self) -> bool {
        self.without_claim
    }

    /// Leaves the rest of the round to the next tick.
    pub fn cut_round_short(&mut self) {
        if let Some(round) = self.round.take() {
            self.record(round);
        }
    }

    fn begin_tails(&mut self) {
        let rules: Vec<Box<dyn Rule>> = vec![Box::new(UnsentEntries)];
        self.tails = Some(Round::new(rules, i32::MAX, &self.troubles));
    }

    fn step_tails(&mut self) -> bool {
        let Some(mut tails) = self.tails.take() else {
            return false;
        };
        let claim = self.claim();
        let step = tails.step(
            self.division.scope,
            self.division.unit_timeout,
            |admitted| Ok(relay_queue::is_due(admitted)? && claim()?),
        );
        SENDS.set(
            !matches!(step, Step::Failed(_)) && !tails.has_failed() && !relay_queue::is_held(),
        );
        match step {
            Step::Worked => self.tails = Some(tails),
            // The round goes on.
            Step::Over | Step::Stopped => self.tails_at = Some(Instant::now()),
            Step::Failed(sqlstate) => {
                self.report(sqlstate);
                self.tails_at = Some(Instant::now());
            }
        }
        self.has_more()
    }

    fn step_plan(&mut self) -> bool {
        let claim = self.claim();
        let Division {
            scope,
            unit_timeout,
            ..
        } = self.division;
        if let Some(sqlstate) = self.planning.step(scope, unit_timeout, claim) {
            self.report(sqlstate);
        }
        self.has_more()
    }

    fn has_more(&self) -> bool {
        self.planning.is_under_way() || self.round.is_some() || self.tails.is_some()
    }

    fn step_round(&mut self) -> bool {
        let Some(mut round) = self.round.take() else {
            return false;
        };
        let claim = self.claim();
        let step = round.step(self.division.scope, self.division.unit_timeout, |_| claim());
        match step {
            Step::Worked => self.round = Some(round),
            Step::Over => return self.end_round(round),
            Step::Stopped => return false,
            Step::Failed(sqlstate) => {
                self.report(sqlstate);
                return false;
            }
        }
        true
    }

    /// The claim of the ticker's row, with which every unit that is a transaction begins.
    fn claim(&self) -> impl FnOnce() -> Result<bool> + use<> {
        let is_claimed = self.without_claim || self.division.scope == Scope::Subtransaction;
        move || Ok(is_claimed || mark::claim()?)
    }

    fn mark(&mut self) -> bool {
        let claim = self.claim();
        let was_failing = self.troubles.iter().any(|trouble| trouble.rule == TICKER);
        let marked = self.run(|| {
            if !claim()? {
                return Ok(false);
            }
            mark::mark_ticked(SENDS.get())?;
            if was_failing {
                troubles::clear(TICKER, None)?;
            }
            Ok(true)
        });
        match marked {
            Ok(is_claimed) => is_claimed && self.has_more(),
            Err(fault) if fault.is_cancel => false,
            // The work goes on without the mark.
            Err(fault) => {
                self.report(fault.sqlstate);
                true
            }
        }
    }

    fn end_round(&mut self, round: Round) -> bool {
        let claim = self.claim();
        let has_troubles = !self.troubles.is_empty();
        let marked = self.run(|| {
            let marked = claim()? && sweep::mark_swept()?;
            if has_troubles {
                troubles::clear_old()?;
            }
            Ok(marked)
        });
        let is_marked = matches!(marked, Ok(true));
        UNMARKED_ROUND_AT.set((!is_marked).then(Instant::now));
        if let Err(fault) = marked {
            self.report(fault.sqlstate);
        }
        self.record(round);
        self.has_more()
    }

    /// Writes the figures of a round, unless that has failed lately.
    fn record(&self, round: Round) {
        let trouble = self.troubles.iter().find(|trouble| trouble.rule == FIGURES);
        if trouble.is_some_and(|trouble| trouble.lies_ahead) {
            return;
        }
        let outcomes = round.into_outcomes();
        let claim = self.claim();
        let recorded = self.run(|| {
            // Where nothing is to be written no transaction id is spent.
            if figures::are_due(&outcomes)? && claim()? {
                figures::record(&outcomes)?;
                if trouble.is_some() {
                    troubles::clear(FIGURES, None)?;
                }
            }
            Ok(())
        });
        if let Err(fault) = recorded
            && !fault.is_cancel
        {
            let Division {
                scope,
                unit_timeout,
                ..
            } = self.division;
            troubles::report(scope, unit_timeout, FIGURES, None, &fault, || Ok(()));
        }
    }

    fn run<T>(&self, body: impl FnOnce() -> Result<T>) -> std::result::Result<T, Fault> {
        self.division.scope.run(self.division.unit_timeout, body)
    }

    fn report(&self, sqlstate: String) {
        report_failed_look(self.division, &Fault::new(sqlstate));
    }
}

/// Records a failure outside every rule.
pub fn report_failed_look(division: Division, fault: &Fault) {
    let Division {
        scope,
        unit_timeout,
        ..
    } = division;
    troubles::report(scope, unit_timeout, TICKER, None, fault, || Ok(()));
}
