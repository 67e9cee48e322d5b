//! `cargo x url`: print where the running stack is, for people and scripts.

use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::prelude::*;
use xtask::console;
use xtask::stack::Stack;

pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    let name = match arguments.next()? {
        Some(Value(name)) => Some(name.string()?),
        Some(other) => return Err(other.unexpected().into()),
        None => None,
    };
    super::expect_end(arguments)?;
    let stack = Stack::require()?;
    match name.as_deref() {
        Some("supabase") => console::answer(stack.supabase_url),
        Some("edge") => console::answer(stack.edge_url),
        Some("database") => console::answer(stack.database_url),
        Some(other) => bail!("there is no URL `{other}`; there are supabase, edge and database"),
        None => {
            console::answer(format_args!("supabase {}", stack.supabase_url));
            console::answer(format_args!("edge     {}", stack.edge_url));
            console::answer(format_args!("database {}", stack.database_url));
        }
    }
    Ok(ExitCode::SUCCESS)
}
