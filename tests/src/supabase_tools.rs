//! Supabase's CLI and Deno, from npm by the lock of `tests/supabase`; installed by the first test that needs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;
use xtask::node::Node;
use xtask::workspace;

/// Far above what a command needs on a busy machine.
const DEADLINE: Duration = Duration::from_secs(300);

/// Where both are installed.
pub struct SupabaseTools {
    node: PathBuf,
    packages: PathBuf,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Finished {
    pub exit_code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// What it printed; fails for every command that did.
    pub fn success(self) -> Result<String> {
        ensure!(self.exit_code == Some(0), "failed: {self:?}");
        Ok(self.stdout)
    }
}

impl SupabaseTools {
    pub fn ensure() -> Result<Self> {
        let node = Node::ensure()?;
        let package = workspace::root().join("tests/supabase");
        node.install_packages(&package)?;
        Ok(Self {
            node: node.program,
            packages: package.join("node_modules"),
        })
    }

    /// Deno's program, from the package of this machine.
    pub fn deno(&self) -> Result<PathBuf> {
        let platforms = self.packages.join("@deno");
        let entries = fs::read_dir(&platforms)
            .with_context(|| format!("cannot read {}", platforms.display()))?;
        entries
            .flatten()
            .map(|entry| entry.path().join("deno"))
            .find(|program| program.is_file())
            .context("npm has no Deno for this machine")
    }

    /// Runs `deno` in a directory of the repository, with a cache of its own; nothing is fetched.
    pub async fn run_deno(
        &self,
        directory: &str,
        cache: &Path,
        arguments: &[&str],
    ) -> Result<Finished> {
        let mut command = Command::new(self.deno()?);
        command
            .args(arguments)
            .current_dir(workspace::root().join(directory))
            .env_clear()
            .envs([("DENO_NO_UPDATE_CHECK", "1"), ("NO_COLOR", "1")])
            .env("DENO_DIR", cache);
        finish(command).await
    }

    /// The programs that run the CLI: Node, and the script that its package names.
    pub fn cli(&self) -> (PathBuf, PathBuf) {
        let script = self.packages.join("supabase/dist/supabase.js");
        (self.node.clone(), script)
    }
}

async fn finish(mut command: Command) -> Result<Finished> {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {:?}", command.as_std().get_program()))?;
    let output = tokio::time::timeout(DEADLINE, child.wait_with_output())
        .await
        .with_context(|| format!("did not end in {DEADLINE:?}"))??;
    Ok(Finished {
        exit_code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
