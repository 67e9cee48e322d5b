//! The start of a server on a data directory, until it accepts connections.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::address::SUPERUSER;
use super::options::Options;
use crate::process::{self, POLL_INTERVAL, ProcessId};
use crate::run::{Ending, Run};
use crate::server_user::ServerUser;
use crate::{interrupt, postgres};

/// A free port can be taken by somebody else before the server binds it.
const PORT_ATTEMPTS: usize = 5;
const START_DEADLINE: Duration = Duration::from_secs(60);

/// The parameters of a start.
pub(super) struct Start<'a> {
    pub run: &'a mut Run,
    pub process_name: &'static str,
    pub user: ServerUser,
    pub data_dir: &'a Path,
    pub socket_dir: &'a Path,
    /// Tried first; 0 asks the system for a free one.
    pub port: u16,
    pub options: &'a Options,
}

/// Fills an empty data directory.
pub(super) fn initialise(data_dir: &Path, user: ServerUser) -> Result<()> {
    let mut command = Command::new(program("initdb")?);
    command
        .arg("--pgdata")
        .arg(data_dir)
        .args([
            "--username",
            SUPERUSER,
            "--encoding",
            "UTF8",
            "--locale",
            "C.UTF-8",
        ])
        // The socket's directory is closed to everybody else, so trust ends there.
        .args(["--auth-local", "trust", "--auth-host", "scram-sha-256"])
        .args(["--no-sync", "--no-instructions"]);
    user.apply(&mut command);
    process::output(&mut command)?;
    Ok(())
}

/// Fills an empty data directory with what is in that of a server that does not run. Owners and modes stay.
pub(super) fn copy(original: &Path, data_dir: &Path) -> Result<()> {
    let mut command = Command::new("cp");
    command.args(["--archive", "--reflink=auto", "--no-target-directory"]);
    process::output(command.arg(original).arg(data_dir))?;
    Ok(())
}

/// Starts the server and returns the port on which it accepts connections.
pub(super) fn start(start: &mut Start<'_>) -> Result<u16> {
    let mut port = start.port;
    for _ in 0..PORT_ATTEMPTS {
        if port == 0 {
            port = free_port()?;
        }
        match try_start(start, port)? {
            Outcome::Ready => return Ok(port),
            Outcome::PortTaken => port = 0,
        }
    }
    bail!("found no port for the server in {PORT_ATTEMPTS} attempts")
}

enum Outcome {
    Ready,
    PortTaken,
}

fn try_start(start: &mut Start<'_>, port: u16) -> Result<Outcome> {
    let log_begins_at = fs::metadata(&start.options.log_file).map_or(0, |log| log.len());
    let mut command = Command::new(program("postgres")?);
    command
        .arg("-D")
        .arg(start.data_dir)
        .args(["-p", &port.to_string()]);
    for setting in settings(start) {
        command.args(["-c", &setting]);
    }
    start.user.apply(&mut command);
    command.envs(start.options.environment.iter().cloned());
    let id = start.run.spawn(
        start.process_name,
        &mut command,
        &start.options.log_file,
        Ending::Fast,
    )?;

    let deadline = Instant::now() + START_DEADLINE;
    while !is_ready(start.data_dir, &id) {
        interrupt::check()?;
        let gave_up = Instant::now() >= deadline;
        if gave_up || !id.is_alive() {
            start.run.stop_process(start.process_name)?;
            let log = log_since(&start.options.log_file, log_begins_at);
            if log.contains("could not bind") {
                return Ok(Outcome::PortTaken);
            }
            bail!(
                "postgres did not start; {} says:\n{log}",
                start.options.log_file.display()
            );
        }
        thread::sleep(POLL_INTERVAL);
    }
    Ok(Outcome::Ready)
}

fn settings(start: &Start<'_>) -> Vec<String> {
    let mut settings = vec![
        "listen_addresses=127.0.0.1".to_owned(),
        format!("unix_socket_directories={}", start.socket_dir.display()),
        "wal_level=logical".to_owned(),
        "max_connections=300".to_owned(),
        // One for each gateway that follows the log; the tests run several beside each other.
        "max_wal_senders=64".to_owned(),
        "max_replication_slots=64".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
        "log_line_prefix=%m [%p] %q%u@%d ".to_owned(),
        // Statement texts would carry passwords and chat messages into the log.
        "log_statement=none".to_owned(),
    ];
    if !start.options.is_durable {
        settings.extend(["fsync=off", "full_page_writes=off"].map(str::to_owned));
    }
    settings.extend(start.options.settings.iter().cloned());
    settings
}

/// The server writes its state into the eighth line of `postmaster.pid` (its `miscadmin.h`).
fn is_ready(data_dir: &Path, id: &ProcessId) -> bool {
    let Ok(text) = fs::read_to_string(data_dir.join("postmaster.pid")) else {
        return false;
    };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.first().is_some_and(|pid| *pid == id.pid.to_string())
        // The second is of a standby, which takes reads.
        && lines.get(7).is_some_and(|state| ["ready", "standby"].contains(state))
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

fn log_since(log_file: &Path, offset: u64) -> String {
    let text = fs::read(log_file).unwrap_or_default();
    let tail = text
        .get(usize::try_from(offset).unwrap_or(0)..)
        .unwrap_or_default();
    String::from_utf8_lossy(tail).trim_end().to_owned()
}

fn program(name: &str) -> Result<PathBuf> {
    Ok(postgres::installation()?.bin_dir.join(name))
}
