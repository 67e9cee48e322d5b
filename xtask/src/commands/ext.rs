//! `cargo x ext sql`: generate the extension's SQL again, after a change of a function's signature.

use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::prelude::*;
use xtask::{extension, extension_sql, packages};

pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    match arguments.next()? {
        Some(Value(word)) if word == "sql" => super::expect_end(arguments)?,
        _ => bail!("the command is `cargo x ext sql`"),
    }
    packages::ensure_postgres()?;
    extension_sql::write(&extension::build()?)?;
    Ok(ExitCode::SUCCESS)
}
