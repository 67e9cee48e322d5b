//! Programs of the server's own installation, such as `pg_dump`, on the database of a test.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use xtask::cluster::SUPERUSER;

use crate::database::TestDatabase;

impl TestDatabase {
    /// Runs a program as the superuser; returns what it prints.
    pub fn run_program(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let psql = self.environment.cluster.psql(SUPERUSER, self.name());
        let psql = psql.command();
        let mut command = Command::new(Path::new(psql.get_program()).with_file_name(program));
        for (name, value) in psql.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let output = command
            .args(arguments)
            .output()
            .with_context(|| format!("cannot start {program}"))?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{program}: {complaint}");
        Ok(String::from_utf8(output.stdout)?)
    }
}
