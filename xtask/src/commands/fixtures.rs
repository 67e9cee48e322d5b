//! `cargo x fixtures`: write the answers that the HTTP tests of `edge_api` are given, or compare them.

use std::process::ExitCode;

use anyhow::Result;
use lexopt::prelude::*;
use xtask::fixtures::WRITE_VARIABLE;
use xtask::workspace;

/// They play every operation against a database and keep the results.
const TESTS: &str = "fixtures::";

pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    let mut cargo = workspace::cargo();
    match arguments.next()? {
        None => {
            cargo.env(WRITE_VARIABLE, "1");
        }
        Some(Long("check")) => super::expect_end(arguments)?,
        Some(other) => return Err(other.unexpected().into()),
    }
    super::test::run_end_to_end(cargo, TESTS)
}
