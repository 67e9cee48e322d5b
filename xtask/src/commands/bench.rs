//! `cargo x bench`: measure, on a durable cluster of its own, and write the table of runs on several servers.

mod table;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;
use xtask::cluster::Options;
use xtask::edition::Edition;
use xtask::node::Node;
use xtask::run::Run;
use xtask::{console, measurement, process, workspace};

use super::test::{Broadcasts, start_cluster};

/// The benchmarks there are: targets of `stream_tests`.
const BENCHES: &[&str] = &[
    "chat", "edge", "editions", "moving", "realtime", "token", "viewers",
];

/// The one that measures the SQL edition.
const EDITIONS: &str = "editions";

/// The one that needs [`NODE_SERVICE`].
const EDGE: &str = "edge";

/// The service in Node that the edge is compared with.
const NODE_SERVICE: &str = "tests/benches/node";

/// Makes the table instead of measuring.
const TABLE: &str = "table";

/// Names the file that the reports are added to; the package `stream_tests` reads it.
const JSON_VARIABLE: &str = "PG_STREAM_BENCH_JSON";

/// Set for a quick run; the package `stream_tests` reads it.
const QUICK_VARIABLE: &str = "PG_STREAM_BENCH_QUICK";

/// Names the parts of a benchmark that run; the package `stream_tests` reads it.
const ONLY_VARIABLE: &str = "PG_STREAM_BENCH_ONLY";

/// `[NAME...] [--edition sql] [--json FILE] [--quick] [--only PART,...]`, or `table FILE...`.
pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    let mut names: Vec<String> = Vec::new();
    let mut json: Option<PathBuf> = None;
    let mut variables: Vec<(&str, OsString)> = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("json") => json = Some(arguments.value()?.into()),
            Long("quick") => variables.push((QUICK_VARIABLE, "1".into())),
            Long("only") => variables.push((ONLY_VARIABLE, arguments.value()?)),
            // Next to the native one, in a run of its own: nothing else compares two editions.
            Long("edition") => match Edition::parse(&arguments.value()?.string()?)? {
                Edition::Sql => names.push(EDITIONS.to_owned()),
                Edition::Native => {}
            },
            Value(name) => names.push(name.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    if names.first().is_some_and(|name| name == TABLE) {
        return print_table(&names[1..]);
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
    measure(&names, json, variables)
}

fn measure(
    names: &[String],
    json: Option<PathBuf>,
    variables: Vec<(&str, OsString)>,
) -> Result<ExitCode> {
    let mut cargo = workspace::cargo();
    // A missed target of one benchmark does not keep the others from being measured.
    cargo.args(["bench", "--package", "stream_tests", "--no-fail-fast"]);
    for name in names {
        cargo.args(["--bench", name]);
    }
    if let Some(file) = json {
        let file = std::path::absolute(&file).context("the JSON file has no usable path")?;
        // The benchmarks add to it, one after the other.
        if file.exists() {
            std::fs::remove_file(&file)
                .with_context(|| format!("cannot replace {}", file.display()))?;
        }
        cargo.env(JSON_VARIABLE, file);
    }
    cargo.envs(variables);

    Run::sweep()?;
    if names.iter().any(|name| name == EDGE) {
        Node::ensure()?.install_packages(&workspace::root().join(NODE_SERVICE))?;
    }
    let options = Options::durable("bench")?;
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

/// The files of `--json`, one for each server, side by side.
fn print_table(files: &[String]) -> Result<ExitCode> {
    if files.is_empty() {
        bail!("name the files that `cargo x bench --json FILE` wrote");
    }
    let mut columns = Vec::new();
    for file in files {
        columns.push(measurement::read(file.as_ref())?);
    }
    console::answer(table::of(&columns)?.trim_end());
    Ok(ExitCode::SUCCESS)
}
