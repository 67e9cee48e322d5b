//! The same random operations in both editions, in two databases of one cluster: results, refusals, rows and frames agree.
//!
//! Ids that a server makes, times and tokens are compared by where they appear: see `normal_form`; times by what lies between
//! them, too: see `spans`.

mod arguments;
mod caller;
mod later;
mod normal_form;
mod operations;
mod side;
mod spans;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestRng};
use xtask::edition::Edition;

use operations::{Call, NOT_COMPARED, OPERATIONS, OWNER};
use side::Side;

/// Operations of one case.
const LENGTH: usize = 200;

/// Cases without `PROPTEST_CASES`; the whole property is 256.
const CASES: u32 = 4;

/// From so many cases on, every operation has succeeded in some.
const ENOUGH_CASES: u32 = 32;

/// A failing case is played again without some of its calls so often, to find those that matter.
const ATTEMPTS_TO_SHORTEN: usize = 60;

/// Both databases. A case finds them as they were made.
struct Editions {
    native: Side,
    sql: Side,
    /// How often an operation was called, and how often that succeeded.
    outcomes: BTreeMap<&'static str, (u32, u32)>,
}

impl Editions {
    async fn play(&mut self, calls: &[Call]) -> Result<()> {
        tokio::try_join!(self.native.begin(), self.sql.begin())?;
        for (number, call) in calls.iter().enumerate() {
            let (wanted, answer) = tokio::try_join!(self.native.make(call), self.sql.make(call))?;
            let (made, succeeded) = self.outcomes.entry(call.operation).or_default();
            *made += 1;
            *succeeded += u32::from(wanted.is_success);
            ensure!(
                answer.agrees_with(&wanted),
                "operation {number}, {call:?}\nnative {} {:?}\nsql    {} {:?}",
                wanted.text,
                wanted.spans_ms,
                answer.text,
                answer.spans_ms
            );
        }
        let (wanted, rows) = tokio::try_join!(self.native.rows(), self.sql.rows())?;
        let missing: Vec<_> = wanted.iter().filter(|row| !rows.contains(row)).collect();
        let strange: Vec<_> = rows.iter().filter(|row| !wanted.contains(row)).collect();
        ensure!(
            wanted == rows,
            "in native alone {:#?}\nin sql alone {:#?}",
            &missing[..missing.len().min(6)],
            &strange[..strange.len().min(6)]
        );
        Ok(())
    }

    /// Leaves out calls as long as the rest fails too; returns the rest and how it fails.
    async fn shorten(&mut self, mut calls: Vec<Call>, mut failure: String) -> (Vec<Call>, String) {
        let mut attempts = 0;
        let mut size = calls.len() / 2;
        while size > 0 {
            let mut begin = 0;
            while begin < calls.len() && attempts < ATTEMPTS_TO_SHORTEN {
                let end = (begin + size).min(calls.len());
                let rest = [&calls[..begin], &calls[end..]].concat();
                attempts += 1;
                match self.play(&rest).await {
                    Ok(()) => begin = end,
                    Err(error) => (calls, failure) = (rest, format!("{error:#}")),
                }
            }
            size /= 2;
        }
        (calls, failure)
    }
}

#[tokio::test]
async fn both_editions_do_the_same() -> Result<()> {
    let Config {
        cases, rng_seed, ..
    } = property_seed::config(CASES);
    let RngSeed::Fixed(seed) = rng_seed else {
        panic!("a seed is printed");
    };
    let mut editions = Editions {
        native: Side::new(Edition::Native).await?,
        sql: Side::new(Edition::Sql).await?,
        outcomes: BTreeMap::new(),
    };
    for case in 0..cases {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..12].copy_from_slice(&case.to_le_bytes());
        let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let calls: Vec<Call> = (0..LENGTH)
            .map(|number| Call::random(&mut random, number))
            .collect();
        if let Err(error) = editions.play(&calls).await {
            let (calls, failure) = editions.shorten(calls, format!("{error:#}")).await;
            panic!("case {case}: {error:#}\n\nin short, of {calls:#?}:\n{failure}");
        }
    }
    if cases >= ENOUGH_CASES {
        let idle: Vec<_> = OPERATIONS
            .iter()
            .map(|(operation, _)| (operation, editions.outcomes.get(operation)))
            .filter(|(_, outcome)| outcome.is_none_or(|(_, succeeded)| *succeeded == 0))
            .collect();
        assert!(idle.is_empty(), "never succeeded: {idle:?}");
    }
    Ok(())
}

/// Every operation of the contract is compared, or stands among those that cannot be.
#[test]
fn every_operation_is_compared_or_excepted() {
    let contract = edge_api::contract::Contract::get();
    let operations = contract.operations();
    let operations: BTreeSet<&str> = operations.map(|operation| operation.name).collect();
    let compared = OPERATIONS.iter().map(|(operation, _)| *operation);
    let compared: BTreeSet<&str> = compared.filter(|operation| *operation != OWNER).collect();
    let excepted: BTreeSet<&str> = NOT_COMPARED
        .iter()
        .map(|(operation, _)| *operation)
        .collect();
    assert!(compared.is_disjoint(&excepted));
    let named: BTreeSet<&str> = compared.union(&excepted).copied().collect();
    assert_eq!(named, operations);
    for (operation, reason) in NOT_COMPARED {
        assert!(reason.len() > 20, "{operation}: {reason}");
    }
}
