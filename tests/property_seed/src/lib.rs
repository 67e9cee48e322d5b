//! The seed of random cases, by which a failing property test is run again.
//!
//! Every run prints its seed; `PROPERTY_SEED=<seed>` before the same command repeats it, and CI sets a
//! fixed one. `PROPTEST_CASES` changes the number of cases.

use std::collections::hash_map::RandomState;
use std::env;
use std::hash::{BuildHasher, Hasher};

use proptest::test_runner::{Config, RngSeed};

/// `cases` unless `PROPTEST_CASES` says otherwise.
pub fn config(cases: u32) -> Config {
    config_with_seed(seed(), number_from("PROPTEST_CASES").unwrap_or(cases))
}

/// The seed of this run, printed: a new one unless `PROPERTY_SEED` says otherwise.
pub fn seed() -> u64 {
    let seed =
        number_from("PROPERTY_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    eprintln!("PROPERTY_SEED={seed}");
    seed
}

/// The random cases that belong to a seed.
pub fn config_with_seed(seed: u64, cases: u32) -> Config {
    Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        // The seed replays a failure; files of single cases would only lie about.
        failure_persistence: None,
        ..Config::default()
    }
}

/// A value that is set and not a number must not be taken for "not set".
fn number_from<T: std::str::FromStr>(variable: &str) -> Option<T> {
    let text = env::var(variable).ok()?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(_) => panic!("{variable} must be a number"),
    }
}
