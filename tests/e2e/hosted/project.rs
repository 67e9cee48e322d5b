//! The folder of an application that is installed by the guide, and the shell in which the guide's lines are run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use stream_tests::database::TestDatabase;
use stream_tests::supabase_tools::SupabaseTools;
use tokio::process::Command;
use xtask::workspace;

/// The application's own migration, whose tables the host application's migration names.
const APPLICATION: &str = "supabase/migrations/20260101000000_demo_app.sql";

pub struct Project {
    /// Removed with it.
    pub directory: PathBuf,
    database_url: String,
    app_id: String,
    certificate: String,
}

impl Project {
    /// An empty folder, and beside it an `npx` that runs the command line from the lock of the tests.
    pub fn create(tools: &SupabaseTools, database: &TestDatabase) -> Result<Self> {
        let name = format!("hosted-project-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(directory.join(".programs"))?;
        let npx = directory.join(".programs/npx");
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = supabase ] && shift && exec '{}' \"$@\"\n",
            tools.cli()?.display()
        );
        fs::write(&npx, script)?;
        fs::set_permissions(&npx, fs::Permissions::from_mode(0o755))?;
        let cluster = &database.environment.cluster;
        let agora = &database.environment.agora;
        Ok(Self {
            directory,
            // The server of the tests has no TLS.
            database_url: format!(
                "{}?sslmode=disable",
                cluster.url("postgres", database.name())?
            ),
            app_id: agora.app_id.clone(),
            certificate: agora.certificate.clone(),
        })
    }

    /// Runs a line of the guide, the linked project being a URL; returns what it printed.
    pub async fn run(&self, line: &str) -> Result<String> {
        let line = line.replace(" --remote", " --remote=\"$DATABASE_URL\"");
        let programs = self.directory.join(".programs");
        let output = Command::new("/bin/sh")
            .args(["-euc", &line])
            .current_dir(&self.directory)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
            .env("HOME", &self.directory)
            .env("PG_STREAM", workspace::root())
            .env("DATABASE_URL", &self.database_url)
            .env("AGORA_APP_ID", &self.app_id)
            .envs([("SUPABASE_TELEMETRY_DISABLED", "1"), ("NO_COLOR", "1")])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .context("cannot start a shell")?;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success(),
            "{line}: {}\n{stdout}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(stdout + &String::from_utf8_lossy(&output.stderr))
    }

    /// What the reader brings along: migrations of the application, and the certificate.
    pub fn add_application(&self) -> Result<()> {
        let migrations = self.directory.join("supabase/migrations");
        fs::create_dir_all(&migrations)?;
        let file = workspace::root().join(APPLICATION);
        let name = file.file_name().context("a migration has a name")?;
        fs::copy(&file, migrations.join(name))?;
        let variables = format!("AGORA_APP_CERTIFICATE={}\n", self.certificate);
        fs::write(self.directory.join("supabase/.env"), variables)?;
        Ok(())
    }

    /// Writes tables of `config.toml` over those that are there.
    pub fn change_config(&self, tables: &str) -> Result<()> {
        let file = self.directory.join("supabase/config.toml");
        let mut lines: Vec<String> = fs::read_to_string(&file)?
            .lines()
            .map(str::to_owned)
            .collect();
        let mut table = "";
        for line in tables.lines().filter(|line| !line.is_empty()) {
            let Some((key, _)) = line.split_once(" = ") else {
                table = line;
                if !lines.iter().any(|present| present == table) {
                    lines.push(table.to_owned());
                }
                continue;
            };
            let begins_at = lines.iter().position(|present| present == table);
            let begins_at = 1 + begins_at.context("a setting stands in no table")?;
            let rest = lines[begins_at..].iter();
            let length = rest.take_while(|present| !present.starts_with('[')).count();
            let is_same = |present: &String| present.starts_with(&format!("{key} = "));
            match lines[begins_at..begins_at + length]
                .iter()
                .position(is_same)
            {
                Some(at) => line.clone_into(&mut lines[begins_at + at]),
                None => lines.insert(begins_at, line.to_owned()),
            }
        }
        fs::write(&file, lines.join("\n") + "\n")?;
        Ok(())
    }

    /// The numbers of its migrations.
    pub fn versions(&self) -> Result<Vec<String>> {
        let mut versions = Vec::new();
        for entry in fs::read_dir(self.directory.join("supabase/migrations"))? {
            let name = entry?.file_name();
            let name = Path::new(&name).to_string_lossy();
            versions.extend(name.split_once('_').map(|(version, _)| version.to_owned()));
        }
        ensure!(versions.len() == 4, "{versions:?}");
        Ok(versions)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}
