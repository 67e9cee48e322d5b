//! How long each test took: libtest says it to whoever asks, and the slowest are printed at the end.
//!
//! Cargo runs every test binary through [`run_binary`], as its `runner`. libtest knows `--report-time` on a nightly toolchain
//! alone, unless `RUSTC_BOOTSTRAP` is set; it is set for the binary and not for cargo, which would compile anew.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};
use xtask::console;

/// How many are printed.
const SLOWEST: usize = 20;

/// The command of `cargo x` that is cargo's runner.
pub const COMMAND: &str = "test-binary";

const RUNNER_VARIABLE: &str = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER";
const FILE_VARIABLE: &str = "TEST_TIMES_FILE";

/// Times of the tests that a cargo runs.
pub struct Times(PathBuf);

impl Times {
    /// Has `cargo` note them in a file of `directory`.
    pub fn note(cargo: &mut Command, directory: &Path) -> Self {
        let file = directory.join("test_times");
        // The link to this very program, whatever a build puts in its place.
        let runner = format!("/proc/{}/exe {COMMAND}", std::process::id());
        cargo.env(RUNNER_VARIABLE, runner).env(FILE_VARIABLE, &file);
        Self(file)
    }

    /// Prints the slowest tests and their times.
    pub fn print(&self) -> Result<()> {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        let slowest = slowest(&text);
        if !slowest.is_empty() {
            console::step("the slowest tests");
        }
        for (seconds, test) in slowest {
            console::note(format_args!("{seconds:>8.1} s  {test}"));
        }
        Ok(())
    }
}

/// Runs a program of cargo's with its arguments, and notes the times of its tests if it has any: those of documentation
/// have none.
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
    let mut notes = File::options().create(true).append(true).open(file)?;
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let text = String::from_utf8_lossy(&line);
        // Whoever reads may be gone; the tests go on.
        let _ = writeln!(std::io::stdout(), "{text}");
        if time_in(&text).is_some() {
            writeln!(notes, "{text}")?;
        }
    }
    code(child.wait())
}

fn code(status: std::io::Result<std::process::ExitStatus>) -> Result<ExitCode> {
    let code = status?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The slowest tests of the lines that libtest wrote, the slowest first.
fn slowest(lines: &str) -> Vec<(f64, &str)> {
    let mut times: Vec<(f64, &str)> = lines.lines().filter_map(time_in).collect();
    times.sort_by(|one, other| other.0.total_cmp(&one.0));
    times.truncate(SLOWEST);
    times
}

/// The seconds and the name in a line such as `test folder::name ... ok <1.234s>`.
fn time_in(line: &str) -> Option<(f64, &str)> {
    let (name, outcome) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let (_, time) = outcome.rsplit_once('<')?;
    let seconds = time.trim_end().strip_suffix("s>")?.parse().ok()?;
    Some((seconds, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slowest_come_first_and_other_lines_count_for_nothing() {
        let quick: String = (0..30)
            .map(|number| format!("test quick::{number} ... ok <0.{number:03}s>\n"))
            .collect();
        let lines = format!(
            "running 33 tests\ntest a::slow ... ok <12.5s>\ntest b::red ... FAILED <80.25s>\ntest c::left_out ... ignored\n{quick}"
        );
        let slowest = slowest(&lines);
        assert_eq!(slowest.len(), SLOWEST);
        assert_eq!(
            slowest[..3],
            [(80.25, "b::red"), (12.5, "a::slow"), (0.029, "quick::29")]
        );
    }
}
