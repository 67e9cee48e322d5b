//! `cargo x ext sql`: generate the extension's SQL again, after a change of a function's signature.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;
use xtask::extension::{self, POSTGRES_MAJOR};
use xtask::process::{self, find_program};
use xtask::{console, packages, workspace};

/// The generator must be of the very release of pgrx: the root `Cargo.toml` pins the same one.
const CARGO_PGRX_VERSION: &str = "0.19.3";

pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    match arguments.next()? {
        Some(Value(word)) if word == "sql" => super::expect_end(arguments)?,
        _ => bail!("the command is `cargo x ext sql`"),
    }
    require_generator()?;
    packages::ensure_postgres()?;
    let release_dir = extension::build()?;

    console::step(format_args!("generating {}", extension::SQL));
    let generated = process::output(
        workspace::cargo()
            .args([
                "pgrx",
                "schema",
                &format!("pg{POSTGRES_MAJOR}"),
                "--package",
                "pg_stream_ext",
            ])
            .args(["--release", "--skip-build", "--pg-config"])
            .arg(extension::pg_config()),
    )?;
    let file = workspace::root().join(extension::SQL);
    fs::create_dir_all(file.parent().expect("is in a directory"))?;
    fs::write(&file, without_places(&generated))
        .with_context(|| format!("cannot write {}", file.display()))?;
    extension::check_drift(&release_dir)?;
    Ok(ExitCode::SUCCESS)
}

fn require_generator() -> Result<()> {
    let flags = workspace::pgrx_flags()?.join(" ");
    let install = format!(
        "cargo install cargo-pgrx --version ={CARGO_PGRX_VERSION} --locked --debug \
         --no-default-features {flags}"
    );
    if find_program("cargo-pgrx").is_none() {
        bail!("this needs cargo-pgrx; install it with\n  {install}");
    }
    let version = process::output(workspace::cargo().args(["pgrx", "--version"]))?;
    if !version.ends_with(CARGO_PGRX_VERSION) {
        bail!(
            "this needs cargo-pgrx {CARGO_PGRX_VERSION}, not {version}; install it with\n  {install}"
        );
    }
    Ok(())
}

/// The generator notes each item's file and line, which would change the file with every edit.
fn without_places(generated: &str) -> String {
    let mut text = String::new();
    let mut was_blank = true;
    for line in generated.lines() {
        let is_place = line.starts_with("-- ")
            || line.starts_with("/* <begin")
            || line.starts_with("/* </end");
        let is_blank = line.trim().is_empty();
        if is_place || (is_blank && was_blank) {
            continue;
        }
        was_blank = is_blank;
        text.push_str(line);
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_sql_loses_its_line_numbers() {
        let generated = "/* <begin connected objects> */\n\n-- src/lib.rs:12\n\
                         create function a();\n/* </end connected objects> */\n\n\n\
                         create function b();\n\n";
        assert_eq!(
            without_places(generated),
            "create function a();\n\ncreate function b();\n"
        );
    }
}
