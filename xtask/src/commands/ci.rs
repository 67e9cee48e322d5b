//! `cargo x ci`: everything that must hold before a change lands.

use std::process::ExitCode;

use anyhow::Result;
use xtask::generate::{self, Mode};
use xtask::{bundle, console, extension, packages, process, workspace};

/// The same random cases in every run: a change fails for what it changed. Developers' runs try others.
const PROPERTY_SEED: u64 = 1;

pub fn run(arguments: lexopt::Parser) -> Result<ExitCode> {
    super::expect_end(arguments)?;

    console::step("checking the format");
    process::run(workspace::cargo().args(["fmt", "--all", "--check"]))?;

    console::step("checking that the migrations are the bundle of sql/");
    bundle::check()?;

    packages::ensure_postgres()?;
    console::step("running clippy");
    let mut clippy = workspace::cargo();
    clippy.args(["clippy", "--workspace", "--all-targets"]);
    clippy.args(workspace::pgrx_flags()?);
    process::run(clippy.args(["--", "-D", "warnings"]))?;

    let release_dir = extension::build()?;
    console::step("checking that the extension's SQL belongs to its library");
    extension::install(&release_dir)?;
    console::step(
        "checking what is generated from the hand-written SQL, against the released contract too",
    );
    generate::run(workspace::root(), Mode::Check)?;

    super::test::run_all(PROPERTY_SEED)
}
