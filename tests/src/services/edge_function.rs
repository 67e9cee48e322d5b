//! The Edge Function that takes Agora's notices, run by Deno as a process of its own.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use xtask::run::Ending;
use xtask::workspace;

use crate::services::Services;
use crate::supabase_tools::SupabaseTools;
use crate::waiting::wait_for;

/// Its folder, which is what Supabase deploys.
pub const FUNCTION: &str = "supabase/functions/agora-webhook";

/// All that it may read of its environment.
const VARIABLES: &str = "--allow-env=AGORA_WEBHOOK_SECRET,AGORA_WEBHOOK_SECRET_SECONDARY,\
                         SUPABASE_URL,SUPABASE_SECRET_KEYS,SUPABASE_SERVICE_ROLE_KEY";

/// What Deno prints before the address.
const LISTENING: &str = "Listening on ";

impl Services {
    /// Starts it with the project's URL and service key, as Supabase does, and with further variables; returns its URL. The name is
    /// that of its log.
    pub async fn start_edge_function(
        &mut self,
        name: &str,
        variables: &[(&str, &str)],
    ) -> Result<String> {
        let mut command = Command::new(SupabaseTools::ensure()?.deno()?);
        let run = self.run.as_mut().context("the services were stopped")?;
        command
            .args(["run", "--no-prompt", "--no-remote", "--no-npm"])
            .args(["--allow-net=127.0.0.1", VARIABLES, "index.ts"])
            .current_dir(workspace::root().join(FUNCTION))
            .env_clear()
            .env("DENO_DIR", run.directory().join("deno"))
            .env("DENO_SERVE_ADDRESS", "tcp:127.0.0.1:0")
            .envs([("DENO_NO_UPDATE_CHECK", "1"), ("NO_COLOR", "1")])
            .env("SUPABASE_URL", &self.supabase_url)
            .env("SUPABASE_SERVICE_ROLE_KEY", &self.keys.service_role_key)
            .envs(variables.iter().copied());
        let log_dir = &self.database.environment.log_dir;
        let log_file = log_dir.join(format!("{name}.log"));
        let begins_at = fs::read(&log_file).map_or(0, |log| log.len());
        let id = run.spawn(name, &mut command, &log_file, Ending::Terminate)?;
        wait_for(format_args!("{name} listens"), async || {
            let log = fs::read(&log_file)?;
            let log = String::from_utf8_lossy(log.get(begins_at..).unwrap_or_default());
            ensure!(id.is_alive(), "{name} ended while starting: {log}");
            let mut lines = log.lines().filter_map(|line| line.strip_prefix(LISTENING));
            Ok(lines.next().map(|url| url.trim_end_matches('/').to_owned()))
        })
        .await
    }
}
