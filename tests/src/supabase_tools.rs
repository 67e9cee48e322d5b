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

/// The folder in which both are installed.
pub struct SupabaseTools {
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
        let package = workspace::root().join("tests/supabase");
        Node::ensure()?.install_packages(&package)?;
        Ok(Self {
            packages: package.join("node_modules"),
        })
    }

    /// Deno's program.
    pub fn deno(&self) -> Result<PathBuf> {
        self.program("@deno", "deno")
    }

    /// The program of the CLI, which its package `supabase` starts.
    pub fn cli(&self) -> Result<PathBuf> {
        self.program("@supabase", "bin/supabase")
    }

    /// Each has a package for every kind of machine, of which npm installs one.
    fn program(&self, scope: &str, path: &str) -> Result<PathBuf> {
        let platforms = self.packages.join(scope);
        let entries = fs::read_dir(&platforms)
            .with_context(|| format!("npm has no {scope} for this machine"))?;
        entries
            .flatten()
            .map(|entry| entry.path().join(path))
            .find(|program| program.is_file())
            .with_context(|| format!("npm has no {scope} for this machine"))
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
