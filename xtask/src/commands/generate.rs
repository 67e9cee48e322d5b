//! `cargo x generate`: write what the hand-written SQL says, or check that it is written.

use std::process::ExitCode;

use anyhow::Result;
use lexopt::prelude::*;
use xtask::generate::{self, Mode};
use xtask::{bundle, extension, packages, workspace};

pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    let mut mode = Mode::Write;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("check") => mode = Mode::Check,
            other => return Err(other.unexpected().into()),
        }
    }
    packages::ensure_postgres()?;
    extension::install(&extension::build()?)?;
    generate::run(workspace::root(), mode)?;
    match mode {
        Mode::Write => bundle::write()?,
        Mode::Check => bundle::check()?,
    }
    Ok(ExitCode::SUCCESS)
}
