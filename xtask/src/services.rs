//! Starting the two services, edge_api and supabase_local, over a prepared database.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::cluster::Address;
use crate::process::{self, POLL_INTERVAL};
use crate::run::{Ending, Run};
use crate::{interrupt, log_tail};

/// The edge's variable; `cargo x up` hands its own on.
pub const WEBHOOK_SECRET: &str = "AGORA_WEBHOOK_SECRET";

/// The edge's variables that limit rates; 0 is no limit.
pub const EDGE_RATE_LIMITS: [&str; 3] = [
    "RATE_LIMIT_PER_USER",
    "RATE_LIMIT_PER_ADDRESS",
    "RATE_LIMIT_FAILURES_PER_ADDRESS",
];

/// The stand-in's program, and the name of its process.
pub const SUPABASE: &str = "supabase_local";

/// Any free port of this machine.
pub const ANY_PORT: &str = "127.0.0.1:0";

const START_DEADLINE: Duration = Duration::from_secs(30);

/// The settings of both services.
#[derive(Debug)]
pub struct Services<'a> {
    pub bin_dir: &'a Path,
    pub address: &'a Address,
    pub database: &'a str,
    pub jwt_secret: &'a str,
    /// Signs Agora's notices; none: the edge refuses them.
    pub webhook_secret: Option<&'a str>,
    pub log_dir: &'a Path,
    /// The levels that they log; none: those of this process's environment, or else their own defaults.
    pub log_levels: Option<&'a str>,
    /// The interval of the edge's calls of `stream.tick()`, in milliseconds; 0 leaves it to the background worker.
    pub tick_interval_ms: u32,
}

/// The API keys of a Supabase project: JWTs for the roles `anon` and `service_role`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Keys {
    pub anon_key: String,
    pub service_role_key: String,
}

impl Services<'_> {
    /// Starts the stand-in for Supabase and returns its URL once it answers.
    pub fn start_supabase(&self, run: &mut Run) -> Result<String> {
        self.start_supabase_at(ANY_PORT, &[], run)
    }

    /// The same at a known address, with further settings.
    pub fn start_supabase_at(
        &self,
        listen: &str,
        variables: &[(&str, &str)],
        run: &mut Run,
    ) -> Result<String> {
        let mut command = self.command(SUPABASE);
        command
            .arg("serve")
            .env(
                "DATABASE_URL",
                self.address.url("authenticator", self.database)?,
            )
            .env(
                "AUTH_DATABASE_URL",
                self.address.url("supabase_auth_admin", self.database)?,
            )
            .env(
                "REALTIME_DATABASE_URL",
                self.address.url("realtime_gateway", self.database)?,
            )
            .envs(variables.iter().copied());
        self.start(run, SUPABASE, SUPABASE, listen, command)
    }

    /// Starts the edge service and returns its URL once it answers.
    pub fn start_edge(&self, run: &mut Run) -> Result<String> {
        self.start_edge_as("edge_api", &[], run)
    }

    /// The same under a name of its own, for one of several copies, with further settings. Their log is one.
    pub fn start_edge_as(
        &self,
        name: &str,
        variables: &[(&str, &str)],
        run: &mut Run,
    ) -> Result<String> {
        let mut command = self.command("edge_api");
        command.env(
            "DATABASE_URL",
            self.address.url("authenticator", self.database)?,
        );
        command.env("TICK_INTERVAL_MS", self.tick_interval_ms.to_string());
        // Developers look for the line of the request that they made, tests for what no line may hold.
        command.env("LOG_ONE_REQUEST_IN", "1");
        // A test or a demo is one address, and asks more often than people do.
        for limit in EDGE_RATE_LIMITS {
            command.env(limit, "0");
        }
        if let Some(secret) = self.webhook_secret {
            command.env(WEBHOOK_SECRET, secret);
        }
        command.envs(variables.iter().copied());
        self.start(run, name, "edge_api", ANY_PORT, command)
    }

    /// Starts another edge, whose calls go through the stand-in's PostgREST instead of to the database.
    pub fn start_edge_through_postgrest(
        &self,
        run: &mut Run,
        supabase_url: &str,
        keys: &Keys,
    ) -> Result<String> {
        let mut command = self.command("edge_api");
        command
            .env("SUPABASE_URL", supabase_url)
            .env("SUPABASE_ANON_KEY", &keys.anon_key)
            .env("SUPABASE_SERVICE_ROLE_KEY", &keys.service_role_key)
            .env("TICK_INTERVAL_MS", self.tick_interval_ms.to_string());
        if let Some(secret) = self.webhook_secret {
            command.env(WEBHOOK_SECRET, secret);
        }
        let name = "edge_api_through_postgrest";
        self.start(run, name, "edge_api", ANY_PORT, command)
    }

    /// The API keys that go with the JWT secret.
    pub fn keys(&self) -> Result<Keys> {
        let answer = process::output(self.command(SUPABASE).arg("keys"))?;
        serde_json::from_str(&answer).context("unexpected answer of supabase_local keys")
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin_dir.join(name));
        command.env_clear().env("JWT_SECRET", self.jwt_secret);
        for inherited in ["PATH", "LOG", "RUST_LOG", "RUST_BACKTRACE"] {
            if let Some(value) = std::env::var_os(inherited) {
                command.env(inherited, value);
            }
        }
        if let Some(levels) = self.log_levels {
            command.env("LOG", levels).env("RUST_LOG", levels);
        }
        command
    }

    fn start(
        &self,
        run: &mut Run,
        name: &str,
        program: &str,
        listen: &str,
        mut command: Command,
    ) -> Result<String> {
        let address_file = run.directory().join(format!("{name}.address"));
        let _ = fs::remove_file(&address_file);
        command
            .args(["--listen", listen, "--address-file"])
            .arg(&address_file);
        let log_file = self.log_file(program);
        let id = run.spawn(name, &mut command, &log_file, Ending::Terminate)?;

        let deadline = Instant::now() + START_DEADLINE;
        loop {
            if let Ok(address) = fs::read_to_string(&address_file) {
                return Ok(format!("http://{}", address.trim()));
            }
            interrupt::check()?;
            if !id.is_alive() {
                bail!("{name} ended while starting; {}", log_tail::read(&log_file));
            }
            if Instant::now() >= deadline {
                bail!(
                    "{name} did not answer in {START_DEADLINE:?}; {}",
                    log_tail::read(&log_file)
                );
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn log_file(&self, name: &str) -> PathBuf {
        self.log_dir.join(format!("{name}.log"))
    }
}
