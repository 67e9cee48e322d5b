//! The program itself while it has few file descriptors: places are left for the rest, and a shortage passes.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::*;
use crate::requests::{SECRET, service_token};

/// The program over a database that is away.
struct Process {
    child: Child,
    directory: PathBuf,
    address: SocketAddr,
}

impl Process {
    /// With this limit of open files, in the words of the shell's `ulimit`.
    async fn start(name: &str, limit: &str) -> Self {
        let name = format!("edge_api_{name}_{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).expect("a directory");
        let address_file = directory.join("address");
        let log = fs::File::create(directory.join("log")).expect("a file");
        let child = Command::new("sh")
            .args(["-c", "ulimit $0 && exec \"$@\""])
            .arg(limit)
            .arg(env!("CARGO_BIN_EXE_edge_api"))
            .env_clear()
            .env("DATABASE_URL", "postgres://a:b@127.0.0.1:1/none")
            .env("JWT_SECRET", SECRET)
            .env("ADDRESS_FILE", &address_file)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("a shell");
        let address = within(async {
            loop {
                match fs::read_to_string(&address_file) {
                    Ok(address) => return address.trim().parse().expect("an address"),
                    Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                }
            }
        });
        Self {
            address: address.await,
            child,
            directory,
        }
    }

    async fn connect(&self) -> Wire {
        Wire(TcpStream::connect(self.address).await.expect("it listens"))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).expect("a log")
    }

    async fn until_logged(&self, text: &str) {
        within(async {
            while !self.log().contains(text) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }

    /// The limits of open files in force: the soft and the hard one.
    fn limits(&self) -> [String; 2] {
        let limits = fs::read_to_string(format!("/proc/{}/limits", self.child.id()));
        let limits = limits.expect("a process");
        let line = limits
            .lines()
            .find(|line| line.starts_with("Max open files"));
        let mut columns = line.expect("a limit").split_whitespace().skip(3);
        [(); 2].map(|()| columns.next().expect("a number").to_owned())
    }

    /// Leaves the process as many more descriptors as it has now, and so many.
    fn leave_descriptors(&self, more: usize) {
        let pid = self.child.id();
        let open = fs::read_dir(format!("/proc/{pid}/fd"))
            .expect("a process")
            .count();
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let limit = u64::try_from(open + more).ok();
        let limit = Rlimit {
            current: limit,
            maximum: limit,
        };
        prlimit(pid, Resource::Nofile, limit).expect("lower limits are free");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; then its test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

const SHORTAGE: &str = "cannot accept connections";

#[tokio::test]
async fn few_descriptors_are_few_places_and_the_rest_is_refused() {
    let process = Process::start("few", "-n 150").await;
    let mut first = process.connect().await;
    assert_eq!(first.ask(HEALTH).await.status, 200);
    let mut others = Vec::new();
    for _ in 0..200 {
        others.push(process.connect().await);
    }
    let last = others.last_mut().expect("200 of them");
    // Refused, with an answer or without one.
    let _ = last.0.write_all(HEALTH.as_bytes()).await;
    let answer = within(last.read_answer()).await;
    let is_refused = answer.is_none_or(|answer| answer.status == 503);
    assert!(is_refused);
    // Those that have a place keep it, and the database could be reached.
    assert_eq!(first.ask(HEALTH).await.status, 200);
    assert!(!process.log().contains(SHORTAGE), "{}", process.log());

    drop(others);
    within(async {
        loop {
            let mut wire = process.connect().await;
            let _ = wire.0.write_all(HEALTH.as_bytes()).await;
            if wire
                .read_answer()
                .await
                .is_some_and(|answer| answer.status == 200)
            {
                return;
            }
        }
    })
    .await;
}

/// Many systems start programs so; 100 places would be left of the soft limit.
#[tokio::test]
async fn a_soft_limit_below_the_hard_one_takes_no_places() {
    let process = Process::start("soft", "-Sn 200").await;
    let [soft, hard] = process.limits();
    assert_eq!(soft, hard);
    assert_ne!(hard, "200", "it was never lower");
    let mut wires = Vec::new();
    for _ in 0..300 {
        let mut wire = process.connect().await;
        assert_eq!(wire.ask(HEALTH).await.status, 200);
        wires.push(wire);
    }
}

#[tokio::test]
async fn a_shortage_of_descriptors_passes_without_a_connection_lost() {
    let process = Process::start("shortage", "-n 1000").await;
    let mut first = process.connect().await;
    assert_eq!(first.ask(HEALTH).await.status, 200);
    process.leave_descriptors(3);
    let mut others = Vec::new();
    for _ in 0..10 {
        others.push(process.connect().await);
    }
    let mut waiting = process.connect().await;
    process.until_logged(SHORTAGE).await;
    assert_eq!(first.ask(HEALTH).await.status, 200);
    drop(others);
    assert_eq!(waiting.ask(HEALTH).await.status, 200);
    process.until_logged("accepting connections again").await;
    let token = service_token();
    let metrics =
        format!("GET /metrics HTTP/1.1\r\nhost: a.test\r\nauthorization: Bearer {token}\r\n\r\n");
    let metrics = waiting.ask(&metrics).await.body;
    let refused = r#"edge_connections_refused_total{reason="kernel"} "#;
    assert!(metrics.contains(refused), "{metrics}");
}
