//! Feature: streaming-realtime-fixes, Property 11: Connection Failure Handling. The breaker against a model
//! that keeps the whole history and judges it anew at every step.

use std::collections::BTreeSet;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use property_seed::config;

#[derive(Debug, Clone, Copy)]
enum Step {
    Call,
    /// Ends the oldest call that is open, counted from the given one.
    End(usize, Outcome),
    Wait(u64),
    Trip,
    Reset,
}

/// One call that was let through.
#[derive(Debug, Clone, Copy)]
struct Open {
    permit: Permit,
    began: usize,
}

/// The history since the breaker last was closed or opened, by hand or by itself.
#[derive(Debug, Default)]
struct Model {
    now_s: u64,
    /// The steps at which the state changed.
    changes: usize,
    opened_at_s: Option<u64>,
    /// The outcomes since the last answer.
    run: Vec<Outcome>,
    probe: bool,
}

impl Model {
    fn state(&mut self) -> State {
        match self.opened_at_s {
            None => State::Closed,
            Some(at) if self.now_s < at + 30 => State::Open,
            Some(_) => State::HalfOpen,
        }
    }

    fn count(&self) -> u32 {
        let missed = |outcome: &&Outcome| matches!(outcome, Outcome::Missed(_));
        let subjects = self.run.iter().filter_map(|outcome| match outcome {
            Outcome::Missed(subject) => *subject,
            _ => None,
        });
        let mut sessions = BTreeSet::new();
        let mut auctions = BTreeSet::new();
        for subject in subjects {
            match subject {
                Subject::Session(session) => sessions.insert(session),
                Subject::Auction(auction) => auctions.insert(auction),
            };
        }
        let failed = self.run.iter().filter(|one| **one == Outcome::Failed);
        let missed = self.run.iter().filter(missed).count();
        let is_of_many = sessions.len() >= 2 || auctions.len() >= 2;
        let missed = if is_of_many { missed } else { 0 };
        u32::try_from(failed.count() + missed).expect("a short run")
    }

    fn open(&mut self) {
        self.opened_at_s = Some(self.now_s);
        self.changes += 1;
        self.probe = false;
    }

    fn close(&mut self) {
        self.opened_at_s = None;
        self.run.clear();
        self.changes += 1;
        self.probe = false;
    }

    fn end(&mut self, outcome: Outcome) {
        let is_half_open = self.state() == State::HalfOpen;
        match outcome {
            Outcome::Unknown => self.probe = false,
            Outcome::Answered if is_half_open => self.close(),
            Outcome::Answered => self.run.clear(),
            failure => {
                self.run.push(failure);
                if is_half_open || self.count() >= 5 {
                    self.open();
                }
            }
        }
    }
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let session = prop_oneof![
        Just(None),
        (1_u128..4).prop_map(|id| Some(Subject::Session(Uuid::from_u128(id)))),
        (1_u128..4).prop_map(|id| Some(Subject::Auction(Uuid::from_u128(id))))
    ];
    prop_oneof![
        2 => Just(Outcome::Answered),
        6 => Just(Outcome::Failed),
        6 => session.prop_map(Outcome::Missed),
        1 => Just(Outcome::Unknown),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Call),
        16 => (0_usize..4, outcome()).prop_map(|(nth, outcome)| Step::End(nth, outcome)),
        4 => (0_u64..40).prop_map(Step::Wait),
        1 => Just(Step::Trip),
        1 => Just(Step::Reset),
    ]
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn the_breaker_does_what_its_whole_history_says(
        steps in proptest::collection::vec(step(), 1..200),
    ) {
        let start = Instant::now();
        let (mut machine, mut model) = (Machine::default(), Model::default());
        let mut open: Vec<Open> = Vec::new();
        // The change from OPEN to HALF_OPEN happens when somebody looks, which both do at each step.
        let mut was_half_open = false;
        for step in steps {
            if let Step::Wait(seconds) = step {
                model.now_s += seconds;
            }
            let now = start + Duration::from_secs(model.now_s);
            let is_half_open = model.state() == State::HalfOpen;
            if is_half_open && !was_half_open {
                model.changes += 1;
                model.probe = false;
            }
            prop_assert_eq!(machine.state(now), model.state());
            match step {
                Step::Call => {
                    let admitted = machine.admit(now);
                    match model.state() {
                        State::Closed => prop_assert!(admitted.is_ok()),
                        State::Open => {
                            let rest = model.opened_at_s.expect("open") + 30 - model.now_s;
                            prop_assert_eq!(admitted, Err(Duration::from_secs(rest)));
                        }
                        State::HalfOpen if model.probe => {
                            prop_assert_eq!(admitted, Err(PROBE_WAIT));
                        }
                        State::HalfOpen => {
                            prop_assert!(admitted.is_ok());
                            model.probe = true;
                        }
                    }
                    if let Ok(permit) = admitted {
                        open.push(Open { permit, began: model.changes });
                    }
                }
                Step::End(nth, outcome) if !open.is_empty() => {
                    let call = open.remove(nth % open.len());
                    machine.record(call.permit, outcome, now);
                    if call.began == model.changes {
                        model.end(outcome);
                    }
                }
                Step::End(..) | Step::Wait(_) => {}
                Step::Trip => {
                    machine.trip(now);
                    model.open();
                }
                Step::Reset => {
                    machine.reset();
                    model.close();
                }
            }
            was_half_open = model.state() == State::HalfOpen;
            prop_assert_eq!(machine.state(now), model.state());
            prop_assert_eq!(machine.failure_count(), model.count());
        }
    }
}
