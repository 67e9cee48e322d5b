//! `cargo x generate`: write what the hand-written SQL says, check it, or release it.

use std::process::ExitCode;

use anyhow::Result;
use lexopt::prelude::*;
use xtask::generate::{self, Mode};
use xtask::{bundle, extension, postgres, workspace};

pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    let mut mode = Mode::Write;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("check") if mode == Mode::Write => mode = Mode::Check,
            Long("release") if mode == Mode::Write => mode = Mode::Release,
            other => return Err(other.unexpected().into()),
        }
    }
    postgres::ensure()?;
    extension::install(&extension::build()?)?;
    generate::run(workspace::root(), mode)?;
    match mode {
        Mode::Write | Mode::Release => bundle::write()?,
        Mode::Check => bundle::check()?,
    }
    Ok(ExitCode::SUCCESS)
}
