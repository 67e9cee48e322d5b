//! Starting the services under test: the edge, and the Node service that it is compared with.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use stream_tests::database::TestDatabase;
use xtask::log_tail;
use xtask::process::ProcessId;
use xtask::run::{Ending, Run};
use xtask::workspace;

use crate::pooled;

const START_WITHIN: Duration = Duration::from_secs(30);

/// Close enough to see when a service listens.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Names another build of the edge to measure, as one with symbols for a profiler.
const PROGRAM_VARIABLE: &str = "PG_STREAM_BENCH_EDGE";

/// The settings of the edge that differ from its defaults: a benchmark calls from one address, and faster than people.
/// Its limits are checked and never reached.
pub const EDGE_SETTINGS: [(&str, &str); 3] = [
    ("TICK_INTERVAL_MS", "50"),
    ("RATE_LIMIT_PER_ADDRESS", "1000000"),
    ("RATE_LIMIT_PER_USER", "1000000"),
];

/// The processes of the Node service, as many as the machine on which the targets were set has cores.
pub const NODE_WORKERS: usize = 2;

/// A running service; stopped when it is dropped.
pub struct Service {
    /// `address:port`.
    pub address: String,
    pub pid: u32,
    pub started_at: Instant,
    _run: Run,
}

impl Service {
    /// The edge as it was built for release, over the database.
    pub fn start_edge(database: &TestDatabase, jwt_secret: &str) -> Result<Self> {
        let built = database.environment.bin_dir.join("edge_api");
        let program = std::env::var_os(PROGRAM_VARIABLE).map_or(built, PathBuf::from);
        let mut command = Command::new(program);
        command.env_clear().args(["--listen", "127.0.0.1:0"]);
        command.envs(EDGE_SETTINGS);
        Self::start(
            "edge_api",
            command,
            database,
            jwt_secret,
            |command, file| {
                command.arg("--address-file").arg(file);
            },
        )
    }

    /// `tests/benches/node`, with as many connections to the database as the edge.
    pub fn start_node(database: &TestDatabase, jwt_secret: &str) -> Result<Self> {
        let mut command = Command::new(&database.environment.node);
        command
            .env_clear()
            .arg(workspace::root().join("tests/benches/node/service.mjs"))
            .env("NODE_ENV", "production")
            .env("WORKERS", NODE_WORKERS.to_string())
            .env(
                "DATABASE_POOL_SIZE",
                (pooled::CONNECTIONS / NODE_WORKERS).to_string(),
            );
        Self::start("node", command, database, jwt_secret, |command, file| {
            command.env("ADDRESS_FILE", file);
        })
    }

    fn start(
        name: &str,
        mut command: Command,
        database: &TestDatabase,
        jwt_secret: &str,
        give_address_file: impl Fn(&mut Command, &PathBuf),
    ) -> Result<Self> {
        let environment = &database.environment;
        let url = environment.cluster.url("authenticator", database.name())?;
        let mut run = Run::begin(&format!("bench-{name}-{}", std::process::id()))?;
        let address_file = run.directory().join("address");
        give_address_file(&mut command, &address_file);
        command
            .env("DATABASE_URL", url)
            .env("JWT_SECRET", jwt_secret);
        let log_file = environment.log_dir.join(format!("bench-{name}.log"));

        let started_at = Instant::now();
        let ProcessId { pid, .. } = run.spawn(name, &mut command, &log_file, Ending::Terminate)?;
        loop {
            if let Ok(address) = fs::read_to_string(&address_file) {
                return Ok(Self {
                    address: address.trim().to_owned(),
                    pid,
                    started_at,
                    _run: run,
                });
            }
            ensure!(
                run.first_dead().is_none() && started_at.elapsed() < START_WITHIN,
                "{name} did not start; {}",
                log_tail::read(&log_file)
            );
            std::thread::sleep(POLL_INTERVAL);
        }
    }
}
