//! The command line: `supabase_local serve` and `supabase_local keys`.

use std::io::IsTerminal;
use std::process::ExitCode;

use supabase_local::config::{self, Command};
use supabase_local::{keys, serve};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

const USAGE: &str = "usage:
  supabase_local serve --listen ADDRESS:PORT [--address-file FILE]
  supabase_local keys

A stand-in for Supabase, for development and tests only. Never for production.

environment: JWT_SECRET (32 characters or more), and for serve DATABASE_URL (role authenticator),
AUTH_DATABASE_URL (role supabase_auth_admin), REALTIME_DATABASE_URL (role realtime_gateway),
DB_SCHEMAS (default \"public,stream\"), JWT_EXPIRY (seconds, default 3600); and Realtime's, as the real server names them:
CHANNEL_ERROR_BACKOFF_MS (default 5000), CONNECT_ERROR_BACKOFF_MS (2000), NO_CHANNEL_TIMEOUT_IN_MS (600000),
IDLE_TIMEOUT_MS (60000), REPLICATION_READY_TIMEOUT_MS (60000), REPLICATION_RETRY_MS (5000), TENANT_MAX_EVENTS_PER_SECOND (0 is no limit); and for the app at /demo, served on a loopback address
alone: DEMO_DIRECTORY (its files), DEMO_AGORA_APP_ID

for phones of the local network, all or none: HOST_LISTEN and HOST_TLS_LISTEN (ADDRESS:PORT), HOST_CERTIFICATE_FILE, HOST_KEY_FILE
and HOST_AUTHORITY_FILE (PEM)";

fn main() -> ExitCode {
    let command = match config::from_command_line(lexopt::Parser::from_env(), |name| {
        std::env::var(name).ok()
    }) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("supabase_local: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let result = match command {
        Command::Help => {
            println!("{USAGE}");
            Ok(())
        }
        Command::Keys(secret) => keys::print(&secret).map_err(serve::ServeError::from),
        Command::Serve(config) => {
            log_to_stderr();
            serve::run(*config)
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("supabase_local: {error}");
            ExitCode::FAILURE
        }
    }
}

fn log_to_stderr() {
    let filter = std::env::var("RUST_LOG")
        .ok()
        .and_then(|text| text.parse::<Targets>().ok())
        .unwrap_or_else(|| {
            Targets::new()
                .with_default(LevelFilter::WARN)
                .with_target("supabase_local", LevelFilter::INFO)
                // Its error is returned as well, and logged once where the stream is restarted.
                .with_target("pgwire_replication", LevelFilter::OFF)
        });
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // Not `init()`: that would also take what the database driver writes to the older `log` interface,
    // statements with their parameters, and so tokens and messages.
    let subscriber = tracing_subscriber::registry().with(lines).with(filter);
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        eprintln!("supabase_local: logging is set up already");
    }
}
