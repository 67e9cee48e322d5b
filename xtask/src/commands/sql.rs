//! `cargo x sql bundle`: make the migrations from `sql/`, or check that they are made.

use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::prelude::*;
use xtask::bundle;

pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    let mut is_bundle = false;
    let mut is_check = false;
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(word) if word == "bundle" => is_bundle = true,
            Long("check") => is_check = true,
            other => return Err(other.unexpected().into()),
        }
    }
    match (is_bundle, is_check) {
        (true, false) => bundle::write()?,
        (true, true) => bundle::check()?,
        (false, _) => bail!("the command is `cargo x sql bundle [--check]`"),
    }
    Ok(ExitCode::SUCCESS)
}
