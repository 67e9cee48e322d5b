//! `cargo x psql`: psql on the running stack as the role that owns the product's tables.

use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use anyhow::{Context, Result};
use xtask::database;
use xtask::stack::Stack;

pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    let stack = Stack::require()?;
    stack.expect_chosen()?;
    let mut psql = stack
        .cluster
        .psql(database::OWNER, &stack.database)
        .command();
    psql.args(arguments.raw_args()?);
    // psql takes this process's place: the terminal and its signals are psql's own.
    Err(psql.exec()).context("cannot start psql")
}
