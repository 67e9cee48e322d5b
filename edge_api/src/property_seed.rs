//! The seed of the property tests, with which a failing one is run again on the same random cases.
//!
//! Every run prints its seed; `PROPERTY_SEED=<seed> cargo test -p edge_api` repeats it, and CI
//! sets a fixed one. `PROPTEST_CASES` changes the number of cases.

use std::collections::hash_map::RandomState;
use std::env;
use std::hash::{BuildHasher, Hasher};

use proptest::test_runner::{Config, RngSeed};

/// `cases` unless `PROPTEST_CASES` says otherwise.
pub(crate) fn config(cases: u32) -> Config {
    let seed =
        number_from("PROPERTY_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    eprintln!("PROPERTY_SEED={seed}");
    Config {
        cases: number_from("PROPTEST_CASES").unwrap_or(cases),
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
