//! A JavaScript client that asks the test for things while it runs: lines on its standard output, answers on its input.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use xtask::test_environment::TestEnvironment;
use xtask::workspace;

/// Far above what a script needs on a busy machine; each has shorter deadlines of its own.
const DEADLINE: Duration = Duration::from_secs(600);

pub struct Conversation {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    answers: ChildStdin,
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
        Ok(Self {
            answers: child.stdin.take().context("nothing is read")?,
            lines: BufReader::new(printed).lines(),
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

    /// Fails unless it ended well.
    pub async fn end(mut self) -> Result<()> {
        let mut complaints = String::new();
        if let Some(mut printed) = self.child.stderr.take() {
            printed.read_to_string(&mut complaints).await?;
        }
        let status = self.child.wait().await?;
        ensure!(status.success(), "{status}: {complaints}");
        Ok(())
    }
}
