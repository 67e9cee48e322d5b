//! A JavaScript client: a script that runs on the Node of the tests, and what it printed.

use std::fmt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use xtask::test_environment::TestEnvironment;
use xtask::workspace;

use crate::declared_events::violations_in_sightings;

/// Far above what a script needs on a busy machine; each has shorter deadlines of its own.
const DEADLINE: Duration = Duration::from_secs(120);

/// What a script left behind.
pub struct Finished {
    /// Nothing when a signal ended it.
    pub exit_code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// What it printed, read as JSON. Fails when a broadcast that it saw is not as declared.
    pub fn json(&self) -> Result<Value> {
        let printed =
            serde_json::from_str(&self.stdout).with_context(|| format!("no JSON: {self:?}"))?;
        let violations = violations_in_sightings(&printed);
        ensure!(violations.is_empty(), "a socket saw {violations:?}");
        Ok(printed)
    }
}

impl fmt::Debug for Finished {
    /// With the beginning of what it printed: a whole play is longer than anybody reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            exit_code,
            stdout,
            stderr,
        } = self;
        write!(f, "exit code {exit_code:?}\n{stderr}\n{stdout:.2000}")
    }
}

/// Runs a script of the repository to its end; one that does not end is killed and is a failure.
pub async fn run(
    environment: &TestEnvironment,
    script: &str,
    arguments: &[&str],
) -> Result<Finished> {
    let script = workspace::root().join(script);
    let child = command(environment, &script)
        .args(arguments)
        .spawn()
        .context("cannot start node")?;
    let output = tokio::time::timeout(DEADLINE, child.wait_with_output())
        .await
        .with_context(|| format!("{} did not end in {DEADLINE:?}", script.display()))??;
    Ok(Finished {
        exit_code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// A script that is told what to do, line by line, and answers each with a line of JSON.
pub struct Dialogue {
    script: String,
    _child: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Dialogue {
    /// Starts a script of the repository, which ends with this.
    pub fn start(environment: &TestEnvironment, script: &str, argument: &Value) -> Result<Self> {
        let mut child = command(environment, &workspace::root().join(script))
            .arg(argument.to_string())
            .stdin(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .context("cannot start node")?;
        let answers = child.stdout.take().context("no standard output")?;
        Ok(Self {
            script: script.to_owned(),
            commands: child.stdin.take().context("no standard input")?,
            answers: BufReader::new(answers).lines(),
            _child: child,
        })
    }

    pub async fn ask(&mut self, command: &Value) -> Result<Value> {
        let line = format!("{command}\n");
        self.commands.write_all(line.as_bytes()).await?;
        let answer = tokio::time::timeout(DEADLINE, self.answers.next_line());
        let answer = answer
            .await
            .with_context(|| format!("{} gave no answer to {command}", self.script))??;
        let answer = answer.with_context(|| format!("{} ended at {command}", self.script))?;
        Ok(serde_json::from_str(&answer)?)
    }
}

fn command(environment: &TestEnvironment, script: &Path) -> Command {
    let mut command = Command::new(&environment.node);
    command
        .arg(script)
        // A developer's options and proxies are not the product's.
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}
