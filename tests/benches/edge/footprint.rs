//! The edge's start, and its memory: alone, with ten thousand idle connections, and after they left.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use stream_tests::bench::{self, Report, Row, Spread, median};
use stream_tests::database::TestDatabase;
use stream_tests::secret;
use tokio::net::TcpSocket;

use crate::connection::Connection;
use crate::service::Service;

const STARTS: usize = 7;
const IDLE_CONNECTIONS: usize = 10_000;

/// Source addresses of the idle connections, as the edge counts connections for each address: 127.0.1.1 and so on.
const SOURCES: usize = 100;

const READY_WITHIN: Duration = Duration::from_secs(10);
const GONE_WITHIN: Duration = Duration::from_secs(60);
/// Memory that has not fallen by a hundredth for so long is what the service keeps.
const SETTLED_AFTER: Duration = Duration::from_secs(12);
const POLL_INTERVAL: Duration = Duration::from_millis(1);

const TARGET_READY_MS: f64 = 200.0;
const TARGET_IDLE_MB: f64 = 40.0;
const TARGET_CONNECTED_MB: f64 = 200.0;
const TARGET_AFTERWARDS_MB: f64 = 60.0;

const READY: &[u8] = b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n";
const LIVE: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

pub async fn measure(database: &TestDatabase, report: &mut Report) -> Result<()> {
    let jwt_secret = secret::random("a JWT secret", 32)?;
    let start = || Service::start_edge(database, &jwt_secret);
    let mut times = Vec::new();
    for _ in 0..STARTS {
        times.push(ready(&start()?).await?.as_secs_f64() * 1e3);
    }
    let mut row = Row::new("edge", "start to ready", median(times.clone()), "ms");
    row.spread = Some(Spread::of(&times));
    report.add(row.with_less_than(TARGET_READY_MS));

    let edge = start()?;
    ready(&edge).await?;
    let memory = |name: String, megabytes: f64, bound| {
        Row::new("edge", name, megabytes, "MB").with_less_than(bound)
    };
    report.add(memory(
        "memory, idle".into(),
        resident_mb(edge.pid)?,
        TARGET_IDLE_MB,
    ));
    let count = bench::scaled(IDLE_CONNECTIONS);
    let files = open_files(edge.pid)?;
    let idle = connect(&edge, count).await?;
    let name = format!("memory, {count} idle connections");
    report.add(memory(
        name,
        settled_mb(edge.pid).await?,
        TARGET_CONNECTED_MB,
    ));
    drop(idle);
    wait_until_closed(edge.pid, files).await?;
    let name = "memory, after they left".to_owned();
    report.add(memory(
        name,
        settled_mb(edge.pid).await?,
        TARGET_AFTERWARDS_MB,
    ));
    Ok(())
}

/// The time from the start of the process to the first answer that it is ready.
async fn ready(edge: &Service) -> Result<Duration> {
    loop {
        let answered = async {
            let mut connection = Connection::open(&edge.address).await?;
            connection.exchange(READY).await.map(|_| ())
        };
        match answered.await {
            Ok(()) => return Ok(edge.started_at.elapsed()),
            Err(error) => ensure!(
                edge.started_at.elapsed() < READY_WITHIN,
                "not ready in {READY_WITHIN:?}: {error:#}"
            ),
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Connections that have had one answer and keep silent since.
async fn connect(edge: &Service, count: usize) -> Result<Vec<Connection>> {
    bench::raise_file_limit();
    let mut connections = Vec::with_capacity(count);
    for number in 0..count {
        let source = format!("127.0.1.{}:0", 1 + number % SOURCES);
        let socket = TcpSocket::new_v4()?;
        socket.bind(source.parse()?)?;
        let stream = socket.connect(edge.address.parse()?).await;
        let mut connection = Connection::over(stream.context("cannot connect")?)?;
        connection.exchange(LIVE).await?;
        connections.push(connection);
    }
    Ok(connections)
}

/// Resident memory (`VmRSS`) in megabytes of 1,000,000 bytes.
fn resident_mb(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024.0 / 1e6)
}

/// The same once it has stopped falling: a service may give buffers back a while after their last use.
async fn settled_mb(pid: u32) -> Result<f64> {
    let mut least = resident_mb(pid)?;
    let mut since = Instant::now();
    while since.elapsed() < SETTLED_AFTER {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = resident_mb(pid)?;
        if now < least * 0.99 {
            (least, since) = (now, Instant::now());
        }
    }
    resident_mb(pid)
}

fn open_files(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

/// Until the service has closed its side of the connections, but for a few.
async fn wait_until_closed(pid: u32, files_before: usize) -> Result<()> {
    let begin = Instant::now();
    while open_files(pid)? > files_before + 10 {
        ensure!(
            begin.elapsed() < GONE_WITHIN,
            "the service keeps closed connections"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
