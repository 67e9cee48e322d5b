//! Runs the test binaries for cargo, as its `runner`, and notes what is printed again at the end: how long each test took, and
//! what the failed ones said, which thousands of lines of other tests would hide.
//!
//! libtest knows `--report-time` on a nightly toolchain alone, unless `RUSTC_BOOTSTRAP` is set; it is set for the binary and
//! not for cargo, which would compile anew.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};
use xtask::console;

use super::failures::{self, Section};
use super::times;

/// The command of `cargo x` that is cargo's runner.
pub const COMMAND: &str = "test-binary";

const RUNNER_VARIABLE: &str = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER";
const FILE_VARIABLE: &str = "TEST_NOTES_FILE";

/// What was noted of the tests that a cargo runs.
pub struct Notes(PathBuf);

impl Notes {
    /// Has `cargo` write them to a file of `directory`.
    pub fn of(cargo: &mut Command, directory: &Path) -> Self {
        let file = directory.join("test_notes");
        // The link to this very program, whatever a build puts in its place.
        let runner = format!("/proc/{}/exe {COMMAND}", std::process::id());
        cargo.env(RUNNER_VARIABLE, runner).env(FILE_VARIABLE, &file);
        Self(file)
    }

    pub fn read(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap_or_default()
    }
}

/// Prints the slowest tests and their times.
pub fn print_times(notes: &str) {
    let slowest = times::slowest(notes);
    if !slowest.is_empty() {
        console::step("the slowest tests");
    }
    for (seconds, test) in slowest {
        console::note(format_args!("{seconds:>8.1} s  {test}"));
    }
}

/// Prints what the failed tests said.
pub fn print_failures(notes: &str) {
    for failure in failures::reports(notes) {
        console::step(format_args!("failed: {}", failure.test));
        for line in failure.lines {
            console::note(line);
        }
    }
}

/// Runs a program of cargo's with its arguments, and takes notes of its tests if it has any: those of documentation are
/// not timed.
pub fn run_binary(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    let mut arguments = arguments.raw_args()?;
    let program = PathBuf::from(arguments.next().context("no program is named")?);
    let arguments: Vec<OsString> = arguments.collect();
    let mut command = Command::new(&program);
    command.args(&arguments);
    let has_tests = program
        .parent()
        .is_some_and(|folder| folder.ends_with("deps"));
    let (true, Some(file)) = (has_tests, std::env::var_os(FILE_VARIABLE)) else {
        return code(command.status());
    };
    command
        .args(["-Zunstable-options", "--report-time"])
        .env("RUSTC_BOOTSTRAP", "1")
        .stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot start the tests")?;
    let output = child.stdout.take().context("the tests have no output")?;
    let mut section = Section::default();
    let mut notes = File::options().create(true).append(true).open(file)?;
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let text = String::from_utf8_lossy(&line);
        // Whoever reads may be gone; the tests go on.
        let _ = writeln!(std::io::stdout(), "{text}");
        if section.takes(&text) || times::time_in(&text).is_some() {
            writeln!(notes, "{text}")?;
        }
    }
    code(child.wait())
}

fn code(status: std::io::Result<std::process::ExitStatus>) -> Result<ExitCode> {
    let code = status?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
