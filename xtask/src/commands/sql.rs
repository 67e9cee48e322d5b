//! `cargo x sql`: makes the migrations from `sql/`, checks them, or releases them.

use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::prelude::*;
use xtask::bundle;

pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    let mut command = String::new();
    let mut is_check = false;
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(word) if command.is_empty() => command = word.string()?,
            Long("check") => is_check = true,
            other => return Err(other.unexpected().into()),
        }
    }
    match (command.as_str(), is_check) {
        ("bundle", false) => bundle::write()?,
        ("bundle", true) => bundle::check()?,
        ("release", false) => bundle::release()?,
        _ => bail!("the command is `cargo x sql bundle [--check]` or `cargo x sql release`"),
    }
    Ok(ExitCode::SUCCESS)
}
