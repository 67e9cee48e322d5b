//! The program itself: what it says about its settings, and how it starts, logs and stops.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::requests::{SESSION, sign, user_claims};

/// Nobody listens there: the service starts before its database.
const DATABASE_URL: &str = "postgres://authenticator:hunter2@127.0.0.1:1/postgres";

/// The binary beside that of the tests, since checkouts may share what the compiler names.
fn program() -> Command {
    let tests = std::env::current_exe().expect("a program has a path");
    let directory: PathBuf = tests.ancestors().skip(2).take(1).collect();
    let mut command = Command::new(directory.join("edge_api"));
    command.env_clear();
    command
}

fn answer(flags: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = program();
    command.args(flags).envs(settings.iter().copied());
    command.output().expect("the program")
}

/// A service that runs, and is killed with its test.
struct Running {
    process: Child,
    lines: BufReader<ChildStderr>,
    address: String,
    metrics: String,
}

impl Running {
    fn start(settings: &[(&str, &str)]) -> Self {
        let secret = "s".repeat(32);
        let mut process = program()
            .envs([("DATABASE_URL", DATABASE_URL), ("JWT_SECRET", &secret)])
            .env("METRICS_LISTEN", "127.0.0.1:0")
            .envs(settings.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let stderr = process.stderr.take().expect("a pipe");
        let mut running = Self {
            process,
            lines: BufReader::new(stderr),
            address: String::new(),
            metrics: String::new(),
        };
        running.metrics = running.address_of("answering GET /metrics");
        running.address = running.address_of("listening");
        running
    }

    /// The address in the next line with this message.
    fn address_of(&mut self, message: &str) -> String {
        let line = self.line_of(message);
        line["address"].as_str().expect("an address").to_owned()
    }

    /// The next line with this message.
    fn line_of(&mut self, message: &str) -> Value {
        loop {
            let mut line = String::new();
            let length = self.lines.read_line(&mut line).expect("a readable pipe");
            assert_ne!(length, 0, "it ended without saying {message}");
            let line: Value = serde_json::from_str(&line).expect("JSON");
            if line["message"] == message {
                return line;
            }
        }
    }

    /// The value of a series on the socket of the metrics.
    fn metric(&self, series: &str) -> f64 {
        let text = get(&self.metrics, "/metrics", 1);
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        let value = value.unwrap_or_else(|| panic!("no {series} in {text}"));
        value.parse().expect("a number")
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.process.id()).expect("an id");
        kill_process(Pid::from_raw(id).expect("an id"), signal).expect("it runs");
    }

    /// The status of the answer to a call with this token; the database is away.
    fn status(&self, token: &str) -> String {
        let mut connection = TcpStream::connect(&self.address).expect("it listens");
        let request = format!(
            "GET /v1/streams/{SESSION}/state HTTP/1.1\r\nhost: a.test\r\n\
             authorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        );
        connection.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }

    /// Stops it, and returns what it still said.
    fn stop(&mut self) -> (ExitStatus, String) {
        self.signal(Signal::TERM);
        let mut rest = String::new();
        self.lines
            .read_to_string(&mut rest)
            .expect("a readable pipe");
        (self.process.wait().expect("it ends"), rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The answers to so many requests of one connection.
fn get(address: &str, path: &str, count: usize) -> String {
    let mut connection = TcpStream::connect(address).expect("it listens");
    let mut sending = connection.try_clone().expect("a socket");
    let request = format!("GET {path} HTTP/1.1\r\nhost: a.test\r\n");
    let last = format!("{request}connection: close\r\n\r\n");
    let requests = format!("{request}\r\n").repeat(count - 1) + &last;
    let sender = std::thread::spawn(move || sending.write_all(requests.as_bytes()));
    let mut answers = String::new();
    connection.read_to_string(&mut answers).expect("answers");
    sender.join().expect("no panic").expect("it reads");
    answers
}

#[test]
fn mistakes_end_it_with_status_2_and_are_listed_without_values() {
    let settings = [("JWT_SECRET", "hunter2"), ("LISTEN", "nowhere")];
    for flags in [&[][..], &["--check"], &["--print-config"]] {
        let answer = answer(flags, &settings);
        assert_eq!(answer.status.code(), Some(2), "{flags:?}");
        let text = String::from_utf8(answer.stderr).expect("a text");
        let names: Vec<_> = text
            .lines()
            .filter_map(|line| line.split(' ').next())
            .collect();
        assert_eq!(names, ["JWT_SECRET", "DATABASE_URL", "LISTEN"], "{text}");
        assert!(
            !text.contains("hunter2") && !text.contains("nowhere"),
            "{text}"
        );
        assert!(answer.stdout.is_empty());
    }
}

#[test]
fn a_check_reads_the_key_set_of_a_file() {
    let file = std::env::temp_dir().join(format!("edge_api_key_set_{}", std::process::id()));
    let path = file.to_str().expect("a path");
    let settings = [("DATABASE_URL", DATABASE_URL), ("JWKS_FILE", path)];
    for text in [None, Some("no set")] {
        if let Some(text) = text {
            std::fs::write(&file, text).expect("a file");
        }
        for flags in [&["--check"][..], &["--print-config"], &[]] {
            let answer = answer(flags, &settings);
            assert_eq!(answer.status.code(), Some(2), "{flags:?}, {text:?}");
            let said = String::from_utf8(answer.stderr).expect("a text");
            assert!(
                said.starts_with("JWKS_FILE ") && said.lines().count() == 1,
                "{said}"
            );
        }
    }
    std::fs::remove_file(&file).expect("the file");
}

#[test]
fn a_check_opens_nothing_and_help_explains() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let secret = "s".repeat(32);
    let settings = [
        ("DATABASE_URL", DATABASE_URL),
        ("JWT_SECRET", &secret),
        ("LISTEN", &address),
    ];
    for flags in ["--check", "--print-config", "--help", "--version"] {
        let answer = answer(&[flags], &settings);
        assert_eq!(answer.status.code(), Some(0), "{flags}");
        let text = String::from_utf8(answer.stdout).expect("a text");
        assert!(
            !text.contains("hunter2") && !text.contains(&secret),
            "{text}"
        );
        assert!(!text.is_empty() && answer.stderr.is_empty(), "{flags}");
    }
    // The port is taken: only a service that serves notices.
    assert_eq!(answer(&[], &settings).status.code(), Some(1));
}

#[test]
fn a_service_answers_metrics_on_a_socket_of_its_own_and_writes_its_last_lines() {
    let mut service = Running::start(&[]);
    assert!(get(&service.address, "/healthz", 1).starts_with("HTTP/1.1 200"));
    assert!(get(&service.address, "/metrics", 1).starts_with("HTTP/1.1 401"));
    assert!(service.metric("process_resident_memory_bytes") > 1e6);
    assert!(service.metric("process_open_fds") > 4.0);
    let (status, rest) = service.stop();
    assert_eq!(status.code(), Some(0));
    assert!(rest.contains("\"stopped\""), "{rest}");
}

#[test]
fn the_socket_of_the_metrics_has_few_places() {
    let service = Running::start(&[]);
    // Each has asked, so each has its place.
    let mut readers: Vec<_> = (0..64)
        .map(|_| TcpStream::connect(&service.metrics).expect("it listens"))
        .collect();
    let mut status = [0; 12];
    for reader in &mut readers {
        let request = b"GET /metrics HTTP/1.1\r\nhost: a.test\r\n\r\n";
        reader.write_all(request).expect("it reads");
        reader.read_exact(&mut status).expect("an answer");
        assert_eq!(&status, b"HTTP/1.1 200");
    }
    let answer = get(&service.metrics, "/metrics", 1);
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    // Clients have places of their own.
    assert!(get(&service.address, "/healthz", 1).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_reader_of_the_log_that_has_stopped_stops_no_request() {
    let mut service = Running::start(&[("LOG_ONE_REQUEST_IN", "1")]);
    // More lines than the pipe and the queue take together, and nobody reads them.
    let count = 12_000;
    let answers = get(&service.address, "/healthz", count);
    assert_eq!(answers.matches("HTTP/1.1 200").count(), count);
    assert!(service.metric("edge_log_lines_dropped_total") > 0.0);
    let (status, rest) = service.stop();
    assert_eq!(status.code(), Some(0));
    assert!(rest.lines().count() > 8_000, "{}", rest.lines().count());
}

/// The signal, not only what it begins.
#[test]
fn a_hangup_makes_a_running_service_read_its_secret_again() {
    let secrets = ["first", "second"].map(|text| text.repeat(8));
    let tokens = secrets
        .each_ref()
        .map(|secret| sign(&user_claims(), secret));
    let file = std::env::temp_dir().join(format!("edge_api_hangup_{}", std::process::id()));
    std::fs::write(&file, &secrets[0]).expect("a file");
    let path = file.to_str().expect("a path");
    let mut service = Running::start(&[("JWT_SECRET", ""), ("JWT_SECRET_FILE", path)]);
    // The first is let in and finds no database.
    let statuses = |service: &Running| tokens.each_ref().map(|token| service.status(token));
    assert_eq!(statuses(&service), ["503", "401"]);
    std::fs::write(&file, &secrets[1]).expect("a file");
    assert_eq!(statuses(&service), ["503", "401"]);
    service.signal(Signal::HUP);
    service.line_of("read the secrets again");
    assert_eq!(statuses(&service), ["401", "503"]);
    std::fs::remove_file(&file).expect("a file");
}
