//! promtool of Debian's package `prometheus`, which checks alert rules, runs their tests, and checks metrics.
//!
//! The package is unpacked under `.local/` and not installed: it would bring a server that starts by itself.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::process::{find_program, run};
use crate::{console, local_dir, packages, workspace};

const PROGRAM: &str = "usr/bin/promtool";

/// Checks the alert rules of the documentation, and runs their tests.
pub fn check_alerts() -> Result<()> {
    let promtool = installed()?;
    let directory = workspace::root().join("docs/observability");
    for arguments in [
        ["check", "rules", "edge-alerts.yaml"],
        ["test", "rules", "edge-alerts-test.yaml"],
    ] {
        run(Command::new(&promtool)
            .args(arguments)
            .current_dir(&directory))?;
    }
    Ok(())
}

/// Checks the text of all metrics: its form, and its names against the conventions of Prometheus.
pub fn check_metrics(text: &str) -> Result<()> {
    let mut checking = Command::new(installed()?)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("promtool does not start")?;
    let mut input = checking.stdin.take().context("promtool takes no input")?;
    input.write_all(text.as_bytes())?;
    drop(input);
    let checked = checking.wait_with_output()?;
    let said = String::from_utf8_lossy(&checked.stderr);
    ensure!(checked.status.success(), "promtool check metrics: {said}");
    Ok(())
}

fn installed() -> Result<PathBuf> {
    let directory = local_dir::directory("prometheus")?;
    let unpacked = directory.join(PROGRAM);
    if unpacked.is_file() {
        return Ok(unpacked);
    }
    if let Some(installed) = find_program("promtool") {
        return Ok(installed);
    }
    packages::require_apt(&["prometheus"], "promtool")?;
    packages::update_lists()?;
    console::step("fetching promtool");
    run(Command::new("apt-get")
        .args(["download", "-qq", "prometheus"])
        .current_dir(&directory))?;
    let package = fs::read_dir(&directory)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get left no package")?;
    run(Command::new("dpkg")
        .arg("--extract")
        .arg(&package)
        .arg(&directory))?;
    fs::remove_file(&package)?;
    Ok(unpacked)
}
