//! A JavaScript client that asks the test for things while it runs: lines on its standard output, answers on its input.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use xtask::test_environment::TestEnvironment;
use xtask::workspace;

/// Far above what a script needs on a busy machine; each has shorter deadlines of its own.
const DEADLINE: Duration = Duration::from_secs(600);

pub struct Conversation {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    answers: ChildStdin,
    /// Read while it runs, so that a script that says much is never held up.
    complaints: JoinHandle<std::io::Result<String>>,
}

impl Conversation {
    /// Starts a script of the repository with these variables and no others.
    pub fn start(
        environment: &TestEnvironment,
        script: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        let mut child = Command::new(&environment.node)
            .arg(workspace::root().join(script))
            .args(arguments)
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start node")?;
        let printed = child.stdout.take().context("nothing is printed")?;
        let mut complaints = child.stderr.take().context("nothing is said")?;
        Ok(Self {
            answers: child.stdin.take().context("nothing is read")?,
            lines: BufReader::new(printed).lines(),
            complaints: tokio::spawn(async move {
                let mut said = String::new();
                complaints.read_to_string(&mut said).await?;
                Ok(said)
            }),
            child,
        })
    }

    /// The next line that it prints; none when it has ended.
    pub async fn line(&mut self) -> Result<Option<String>> {
        let line = tokio::time::timeout(DEADLINE, self.lines.next_line());
        Ok(line.await.context("the script did not end")??)
    }

    pub async fn answer(&mut self, line: &str) -> Result<()> {
        self.answers
            .write_all(format!("{line}\n").as_bytes())
            .await?;
        Ok(())
    }

    /// What it reported in the line that it printed last: fails if there are findings, or unless it ended well.
    pub async fn report(self, last: Option<String>) -> Result<Value> {
        let ended = self.end().await;
        let Some(last) = last else {
            ended?;
            bail!("no report was printed");
        };
        let report: Value = serde_json::from_str(&last).with_context(|| last.clone())?;
        ensure!(report["findings"] == json!([]), "{report:#}");
        ended?;
        Ok(report)
    }

    /// Fails unless it ended well.
    async fn end(mut self) -> Result<()> {
        let status = self.child.wait().await?;
        let complaints = self.complaints.await??;
        ensure!(status.success(), "{status}: {complaints}");
        Ok(())
    }
}
