//! `cargo x ext`: what concerns the extension alone, for the chosen Postgres.

use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::prelude::*;
use xtask::{console, extension, extension_sql, extension_upgrade, postgres, process};

pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    let command = match arguments.next()? {
        Some(Value(word)) => word.string()?,
        _ => bail!("the command is `cargo x ext sql`, `upgrade`, `build` or `clippy`"),
    };
    if command == "upgrade" {
        let from = match arguments.next()? {
            Some(Value(version)) => Some(version.string()?),
            Some(other) => return Err(other.unexpected().into()),
            None => None,
        };
        super::expect_end(arguments)?;
        extension_upgrade::write(from.as_deref())?;
        return Ok(ExitCode::SUCCESS);
    }
    super::expect_end(arguments)?;
    postgres::ensure()?;
    match command.as_str() {
        "sql" => extension_sql::write(&extension::build()?.generator())?,
        "build" => extension::install(&extension::build()?)?,
        "clippy" => clippy()?,
        other => bail!("there is no command `ext {other}`"),
    }
    Ok(ExitCode::SUCCESS)
}

fn clippy() -> Result<()> {
    let installation = postgres::installation()?;
    console::step(format_args!(
        "running clippy on the extension for {}",
        installation.version
    ));
    let mut clippy = extension::cargo_of_extension("clippy", &installation)?;
    process::run(clippy.args(["--", "-D", "warnings"]))
}
