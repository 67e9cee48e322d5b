//! `cargo x test`: run the tests with everything they need, and take it all away again.

mod cluster;
mod core;
mod failures;
mod named_tests;
mod native_only;
pub mod runner;
mod same_in_both;
mod times;

use std::ffi::OsString;
use std::num::NonZero;
use std::process::{Command, ExitCode};
use std::thread;

use anyhow::{Context, Result, bail};
use xtask::cluster::Options;
use xtask::edition::Edition;
use xtask::leaks::{self, Search, Watch};
use xtask::node::Node;
use xtask::python_packages::PythonPackages;
use xtask::run::Run;
use xtask::test_environment::TestEnvironment;
use xtask::{
    browser_tests, console, demo_app, local_dir, packages, pgbouncer, postgres, process, workspace,
};

use self::core::{CORE, PG_CRON};
pub use cluster::{Broadcasts, start_cluster};
use runner::Notes;

const PACKAGE: &str = "stream_tests";

/// Decides the cases of the property tests, which print it.
pub const SEED_VARIABLE: &str = "PROPERTY_SEED";

/// How many tests of a binary run at the same time.
const THREADS_VARIABLE: &str = "RUST_TEST_THREADS";

/// A test opens up to 30 connections, and the server takes 300.
const MOST_THREADS: usize = 8;

/// A test waits more than it computes: for the server, for locks, for what happens by itself.
const THREADS_PER_PROCESSOR: usize = 2;

/// The kinds of tests that can be selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TestKind {
    All,
    /// Those that need nothing but Rust.
    Unit,
    /// The target `it`: the product on the database alone, without attacks.
    Integration,
    /// The target `attack`: hostile callers, holders of locks and faults.
    Attack,
    /// The target `e2e`: the product through its services.
    EndToEnd,
    /// Those of `it` and `e2e` that depend on Postgres most: [`CORE`].
    Core,
    /// Those of `it`, `attack` and `e2e` that depend on the edition: all but [`same_in_both::SAME_IN_BOTH`].
    Edition,
    /// The npm package of the client, which needs nothing but Node.
    Client,
}

pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    let mut rest: Vec<OsString> = arguments.raw_args()?.collect();
    let kind = match rest.first().and_then(|word| word.to_str()) {
        Some("unit") => TestKind::Unit,
        Some("it") => TestKind::Integration,
        Some("attack") => TestKind::Attack,
        Some("e2e") => TestKind::EndToEnd,
        Some("core") => TestKind::Core,
        Some("edition") => TestKind::Edition,
        Some("client") => TestKind::Client,
        _ => TestKind::All,
    };
    if kind != TestKind::All {
        rest.remove(0);
    }
    if kind == TestKind::Client {
        return run_client(&rest).map(|()| ExitCode::SUCCESS);
    }
    if kind == TestKind::All && rest.is_empty() {
        run_client(&[])?;
    }
    run_tests(workspace::cargo(), kind, &rest)
}

/// Runs every test there is, random ones with the cases of one seed unless the caller names another.
pub fn run_all(seed: u64) -> Result<()> {
    let mut cargo = workspace::cargo();
    if std::env::var_os(SEED_VARIABLE).is_none() {
        cargo.env(SEED_VARIABLE, seed.to_string());
    }
    if run_tests(cargo, TestKind::All, &[])? != ExitCode::SUCCESS {
        bail!("tests failed");
    }
    Ok(())
}

/// Runs the tests of the client and the checks of its package; with arguments only the tests that they name.
pub fn run_client(arguments: &[OsString]) -> Result<()> {
    demo_app::test_with_client(&Node::ensure()?, arguments)
}

/// Runs the end-to-end tests whose path holds `filter`.
pub fn run_end_to_end(cargo: Command, filter: &str) -> Result<ExitCode> {
    run_tests(cargo, TestKind::EndToEnd, &[filter.into()])
}

/// Builds every test there is.
pub fn build_all() -> Result<()> {
    let mut cargo = workspace::cargo();
    cargo
        .args(["test", "--no-run"])
        .args(workspace::pgrx_flags()?)
        .args(selection(TestKind::All, &[]));
    process::run(&mut cargo)
}

fn run_tests(mut cargo: Command, kind: TestKind, arguments: &[OsString]) -> Result<ExitCode> {
    cargo
        .args(["test", "--no-fail-fast"])
        .args(workspace::pgrx_flags()?)
        .args(selection(kind, arguments))
        .args(arguments);
    if kind == TestKind::Unit {
        return execute(&mut cargo);
    }
    if std::env::var_os(THREADS_VARIABLE).is_none() {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = (THREADS_PER_PROCESSOR * processors).min(MOST_THREADS);
        cargo.env(THREADS_VARIABLE, threads.to_string());
    }

    postgres::ensure()?;
    packages::ensure_faketime()?;
    if matches!(kind, TestKind::All | TestKind::EndToEnd | TestKind::Edition) {
        PythonPackages::ensure()?;
    }
    if matches!(kind, TestKind::All | TestKind::EndToEnd) {
        browser_tests::ensure(arguments)?;
    }
    if matches!(kind, TestKind::All | TestKind::Attack | TestKind::Edition) {
        pgbouncer::ensure()?;
    }
    let mut filters: Vec<&str> = Vec::new();
    if kind == TestKind::Core {
        filters.extend(CORE);
    }
    if kind == TestKind::Edition {
        filters.extend(same_in_both::skipped());
    }
    let has_pg_cron = postgres::ensure_pg_cron()?;
    if !has_pg_cron {
        filters.extend(["--skip", PG_CRON]);
    }
    filters.extend(native_only::skipped(Edition::chosen()?));
    if !filters.is_empty() && !arguments.iter().any(|argument| argument == "--") {
        cargo.arg("--");
    }
    cargo.args(filters);
    Run::sweep()?;
    let mut options = Options::temporary("test")?;
    leaks::count_statements(&mut options.settings);
    let watch = Watch::begin(&local_dir::directory("log")?)?;
    let (mut cluster, environment) = start_cluster(&mut cargo, options, Broadcasts::Compared)?;
    let notes = Notes::of(&mut cargo, &cluster.run().directory());
    let outcome = execute(&mut cargo);
    let notes = notes.read();
    // One filter's tests are seen at a glance.
    if arguments.is_empty() {
        runner::print_times(&notes);
    }
    let leaks = find_leaks(&environment, &watch);
    let wrong_broadcasts = environment.wrong_broadcasts();
    console::step("stopping the test cluster");
    cluster.stop();
    // Tests that were killed could not stop their own clusters and services.
    Run::sweep()?;
    let leaks = leaks?;
    for leak in &leaks {
        console::note(leak);
    }
    let wrong_broadcasts = wrong_broadcasts?;
    for wrong in &wrong_broadcasts {
        let violations = wrong.violations.join("; ");
        console::note(format_args!("broadcasts of {}: {violations}", wrong.test));
    }
    if matches!(
        kind,
        TestKind::All | TestKind::Integration | TestKind::Core | TestKind::Edition
    ) {
        console::note(about_pg_cron(has_pg_cron)?);
    }
    if arguments.is_empty() {
        runner::print_failures(&notes);
    }
    let outcome = outcome?;
    if !leaks.is_empty() {
        bail!(
            "{} times a secret got into a log or a statement",
            leaks.len()
        );
    }
    if !wrong_broadcasts.is_empty() {
        bail!("broadcasts are not as contract/events.json says");
    }
    Ok(outcome)
}

fn about_pg_cron(has_pg_cron: bool) -> Result<String> {
    let installation = postgres::installation()?;
    let (version, directory) = (&installation.version, installation.bin_dir.display());
    Ok(if has_pg_cron {
        format!("the tests of pg_cron belong to this run: {version} in {directory} has it")
    } else {
        format!(
            "the tests of pg_cron did NOT run: {version} in {directory} has no pg_cron; Debian's \
             Postgres has: cargo x --pg debian15 test it {PG_CRON}"
        )
    })
}

/// The secrets that the tests left in the logs of the servers and the services, or in a statement.
fn find_leaks(environment: &TestEnvironment, watch: &Watch) -> Result<Vec<String>> {
    console::step("looking for secrets in the logs and the statements");
    let secrets = environment.secrets()?;
    let mut places: Vec<(String, String)> = watch
        .written()?
        .into_iter()
        .map(|(path, text)| (path.display().to_string(), text))
        .collect();
    environment.keep_statements("the tests", &environment.cluster)?;
    for kept in environment.statements()? {
        let server = kept.server;
        match kept.read {
            Ok(statements) => places.push((format!("pg_stat_statements of {server}"), statements)),
            Err(error) => bail!("cannot search the statements of {server}: {error}"),
        }
    }
    let search = Search::new(&secrets)?;
    let found = places.iter().flat_map(|(place, text)| {
        let found = search.of(text).into_iter();
        found.map(move |found| format!("{place}: {found}"))
    });
    Ok(found.collect())
}

fn execute(cargo: &mut Command) -> Result<ExitCode> {
    console::step("running the tests");
    let status = process::run_status(cargo)?;
    let code = status.code().context("cargo test was ended by a signal")?;
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// Cargo's arguments for a kind of tests; `--test NAME` among the user's own chooses targets itself.
fn selection(kind: TestKind, arguments: &[OsString]) -> &'static [&'static str] {
    match kind {
        TestKind::Unit => &[
            "--workspace",
            "--exclude",
            "pg_stream_ext",
            "--exclude",
            PACKAGE,
        ],
        _ if arguments.iter().any(|argument| argument == "--test") => &["--package", PACKAGE],
        TestKind::All | TestKind::Client => &["--workspace", "--exclude", "pg_stream_ext"],
        // With the unit tests of the harness, which nobody else runs.
        TestKind::Integration => &["--package", PACKAGE, "--lib", "--test", "it"],
        TestKind::Attack => &["--package", PACKAGE, "--test", "attack"],
        TestKind::EndToEnd => &["--package", PACKAGE, "--test", "e2e"],
        TestKind::Core => &["--package", PACKAGE, "--test", "it", "--test", "e2e"],
        TestKind::Edition => &[
            "--package",
            PACKAGE,
            "--test",
            "it",
            "--test",
            "attack",
            "--test",
            "e2e",
        ],
    }
}
