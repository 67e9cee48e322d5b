//! `cargo x`: one command for everything that is done with this repository.

use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::prelude::*;
use xtask::{console, interrupt};

mod commands;

const HELP: &str = "\
cargo x <command>

  up [--detach]       start the local stack (Postgres, supabase_local, edge_api) with a demo auction
  down                stop it
  url [NAME]          where the running stack is: supabase, edge or database (all without a name)
  psql [ARGUMENT...]  open psql on the running stack as the role postgres
  demo [--json]       play one live auction against the stack, or one started for it
    --supabase-url URL --anon-key KEY --app-id ID [--edge-url URL]    ... or against any other
  test [KIND] [FILTER] [-- ARGUMENT...]
                      run the tests; KIND is unit, it or e2e
  bench [NAME...] [--json FILE]
                      measure; NAME is chat, token or viewers
  generate [--check | --release]
                      write sql/api/, contract/ and docs/api.md from the hand-written SQL, or check them and
                      that no client of the released contract breaks, or release the contract
  sql bundle [--check]  make the migrations from sql/, or check that they are up to date
  sql release         note what a release hands out, which is never changed again
  ext sql             generate the extension's SQL again, after a change of a function's signature
  fixtures [--check]  write the answers that the HTTP tests of edge_api are given, or compare them
  ci                  everything that must hold before a change lands

On Debian 12 what is missing is installed for you; so it is wherever apt offers Postgres 15.
";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) if error.is::<interrupt::Interrupted>() => {
            console::step("interrupted; everything that was started is stopped");
            ExitCode::from(130)
        }
        Err(error) => {
            console::failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    if !cfg!(target_os = "linux") {
        bail!("this runs on Linux; elsewhere use a Debian 12 container or virtual machine");
    }
    interrupt::listen()?;

    let mut arguments = lexopt::Parser::from_env();
    match arguments.next()? {
        Some(Value(command)) => match command.to_string_lossy().as_ref() {
            "up" => commands::up::run(arguments),
            "down" => commands::down::run(arguments),
            "url" => commands::url::run(arguments),
            "psql" => commands::psql::run(arguments),
            "demo" => commands::demo::run(arguments),
            "test" => commands::test::run(arguments),
            "bench" => commands::bench::run(arguments),
            "generate" => commands::generate::run(arguments),
            "sql" => commands::sql::run(arguments),
            "ext" => commands::ext::run(arguments),
            "fixtures" => commands::fixtures::run(arguments),
            "ci" => commands::ci::run(arguments),
            other => bail!("there is no command `{other}`\n\n{HELP}"),
        },
        Some(Long("help") | Short('h')) => {
            console::answer(HELP);
            Ok(ExitCode::SUCCESS)
        }
        Some(other) => Err(other.unexpected().into()),
        None => bail!("a command is missing\n\n{HELP}"),
    }
}
