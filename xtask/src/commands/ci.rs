//! `cargo x ci`: everything that must hold before a change lands.

mod parts;

use std::process::{Command, ExitCode};

use anyhow::Result;
use xtask::edition::Edition;
use xtask::generate::{self, Mode};
use xtask::{bundle, cargo_deny, console, extension, postgres, process, promtool, workspace};

use super::test;
use parts::Parts;

/// The same random cases in every run: a change fails for what it changed. Developers' runs try others.
const PROPERTY_SEED: u64 = 1;

const OLDEST: &str = "debian15";

/// The other Postgres that the extension must compile for, as `--pg` calls them. Of 15 it is Debian's,
/// which has pg_cron.
const OTHERS: [&str; 4] = [OLDEST, "16", "17", "18"];

/// Those of them on which the core of the tests runs too.
const WITH_TESTS: [&str; 2] = [OLDEST, "18"];

pub fn run(arguments: lexopt::Parser) -> Result<ExitCode> {
    super::expect_end(arguments)?;
    let mut parts = Parts::default();
    let outcome = check(&mut parts);
    parts.print();
    outcome.map(|()| ExitCode::SUCCESS)
}

fn check(parts: &mut Parts) -> Result<()> {
    postgres::ensure()?;
    let version = postgres::installation()?.version;

    parts.time("format and bundle", || {
        console::step("checking the format");
        process::run(workspace::cargo().args(["fmt", "--all", "--check"]))?;
        console::step("checking that the migrations are the bundle of sql/");
        bundle::check()
    })?;
    parts.time("licences, versions and sources of dependencies", || {
        console::step("checking all dependencies against deny.toml");
        cargo_deny::check()
    })?;
    parts.time("clippy, all but the extension", clippy_of_the_rest)?;
    parts.time("edge_api without its optional features", || {
        console::step("checking edge_api without its optional features");
        process::run(workspace::cargo().args(["check", "-p", "edge_api", "--no-default-features"]))
    })?;
    parts.time(&format!("clippy of the extension, {version}"), || {
        itself(&[], &["ext", "clippy"])
    })?;
    for other in others(&OTHERS)? {
        parts.time(&format!("clippy of the extension, --pg {other}"), || {
            itself(&["--pg", other], &["ext", "clippy"])
        })?;
    }

    parts.time(&format!("release build, {version}"), || {
        let built = extension::build()?;
        console::step("checking that the extension's SQL belongs to its library");
        extension::install(&built)
    })?;
    parts.time("alert rules", || {
        console::step("checking the alert rules and running their tests");
        promtool::check_alerts()
    })?;
    parts.time("generated files and released contract", || {
        console::step(
            "checking what is generated from the hand-written SQL, against the released contract too",
        );
        generate::run(workspace::root(), Mode::Check)
    })?;
    parts.time("client", || test::run_client(&[]))?;
    parts.time("building the tests", test::build_all)?;
    parts.time(&format!("all tests, {version}"), || {
        test::run_all(PROPERTY_SEED)
    })?;
    // All that depends on the edition is `test edition`, ten minutes longer. The oldest Postgres, which has pg_cron and
    // plpgsql_check, says more than the one on which both editions are compared above.
    parts.time(
        &format!("core of the tests on the SQL edition, --pg {OLDEST}"),
        || {
            let options = ["--pg", OLDEST, "--edition", Edition::Sql.as_str()];
            itself(&options, &["test", "core"])
        },
    )?;
    for other in others(&WITH_TESTS)? {
        parts.time(
            &format!("release build of the extension, --pg {other}"),
            || itself(&["--pg", other], &["ext", "build"]),
        )?;
        parts.time(&format!("core of the tests, --pg {other}"), || {
            itself(&["--pg", other], &["test", "core"])
        })?;
    }
    Ok(())
}

/// All but the chosen Postgres.
fn others(names: &[&'static str]) -> Result<Vec<&'static str>> {
    let chosen = postgres::pg_config()?;
    let mut others = Vec::new();
    for name in names {
        if !postgres::is_same(&postgres::pg_config_of(name)?, &chosen) {
            others.push(*name);
        }
    }
    Ok(others)
}

fn clippy_of_the_rest() -> Result<()> {
    console::step("running clippy on all but the extension");
    let mut clippy = workspace::cargo();
    clippy.args(["clippy", "--workspace", "--exclude", "pg_stream_ext"]);
    clippy.arg("--all-targets");
    clippy.args(workspace::pgrx_flags()?);
    process::run(clippy.args(["--", "-D", "warnings"]))
}

/// A command of `cargo x`, behind the options that choose another Postgres or edition than this run's.
fn itself(options: &[&str], arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(process::THIS_PROGRAM);
    command.args(options).args(arguments);
    if std::env::var_os(test::SEED_VARIABLE).is_none() {
        command.env(test::SEED_VARIABLE, PROPERTY_SEED.to_string());
    }
    process::run(&mut command)
}
