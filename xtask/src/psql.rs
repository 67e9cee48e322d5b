//! Calls of psql with SQL from a file or a string.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A role and a database reached over the server's socket, where no password is asked for.
#[derive(Debug, Clone)]
pub struct Psql {
    pub program: PathBuf,
    pub socket_dir: PathBuf,
    pub port: u16,
    pub role: String,
    pub database: String,
}

impl Psql {
    /// The `psql` command, connected, reading nobody's startup file or `PG*` variables.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("PG")) {
                command.env_remove(name);
            }
        }
        command
            .env("PGHOST", &self.socket_dir)
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", &self.role)
            .env("PGDATABASE", &self.database);
        command
    }

    /// Runs a file in one transaction, stopping at the first error.
    pub fn run_file(&self, file: &Path) -> Result<()> {
        let mut command = self.batch();
        command.arg("--single-transaction").arg("--file").arg(file);
        let output = command
            .stdin(Stdio::null())
            .output()
            .context("cannot start psql")?;
        if !output.status.success() {
            bail!(
                "{}: {}",
                file.display(),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }

    /// Runs a file that begins and ends its transactions itself.
    pub fn run_script(&self, file: &Path) -> Result<()> {
        let mut command = self.batch();
        let output = command
            .arg("--file")
            .arg(file)
            .stdin(Stdio::null())
            .output()
            .context("cannot start psql")?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            bail!("{}: {}", file.display(), complaint.trim());
        }
        Ok(())
    }

    /// Runs statements given on standard input, so that they are in no argument list; answers with
    /// what they printed, unaligned and without headings.
    pub fn run(&self, statements: &str) -> Result<String> {
        let mut child = self
            .batch()
            .args(["--no-align", "--tuples-only", "--file", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start psql")?;
        // The handle is dropped at once, which ends the input. A psql that failed early has closed
        // it, and says why itself.
        let _ = child
            .stdin
            .take()
            .expect("was piped")
            .write_all(statements.as_bytes());
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned())
    }

    fn batch(&self) -> Command {
        let mut command = self.command();
        command
            .args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"])
            .env("PGOPTIONS", "-c client_min_messages=warning");
        command
    }
}
