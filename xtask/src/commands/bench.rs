//! `cargo x bench [NAME] [--json FILE]`: measure, on a durable cluster of its own.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;
use xtask::cluster::Options;
use xtask::run::Run;
use xtask::{console, process, workspace};

use super::test::{Broadcasts, start_cluster};

/// The benchmarks there are: targets of `stream_tests`.
const BENCHES: &[&str] = &["chat", "token", "viewers"];

/// Names the file that the report goes to; the package `stream_tests` reads it.
const JSON_VARIABLE: &str = "PG_STREAM_BENCH_JSON";

pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    let mut names: Vec<String> = Vec::new();
    let mut json: Option<PathBuf> = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("json") => json = Some(arguments.value()?.into()),
            Value(name) => names.push(name.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    if let Some(unknown) = names.iter().find(|name| !BENCHES.contains(&name.as_str())) {
        bail!(
            "there is no benchmark {unknown}; there are {}",
            BENCHES.join(", ")
        );
    }
    if names.is_empty() {
        names = BENCHES.iter().map(|&name| name.to_owned()).collect();
    }

    let mut cargo = workspace::cargo();
    cargo.args(["bench", "--package", "stream_tests"]);
    for name in &names {
        cargo.args(["--bench", name]);
    }
    if let Some(file) = json {
        let file = std::path::absolute(&file).context("the JSON file has no usable path")?;
        cargo.env(JSON_VARIABLE, file);
    }

    Run::sweep()?;
    let options = Options {
        is_durable: true,
        ..Options::temporary("bench")?
    };
    let (cluster, _) = start_cluster(&mut cargo, options, Broadcasts::NotCompared)?;
    console::step("measuring; other work on this machine spoils the figures");
    let status = process::run_status(&mut cargo);
    cluster.stop();
    Run::sweep()?;
    let code = status?
        .code()
        .context("cargo bench was ended by a signal")?;
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}
