//! The service behind a real socket of loopback: its connections, and clients that misbehave on them.

mod answers;
mod bodies;
pub mod counted;
mod descriptors;
mod drain;
mod half_heads;
mod limits;
mod malformed;
mod places;
mod times;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use edge_api::auth::Verifier;
use edge_api::router::router;
use edge_api::server::{ServerSettings, serve};
use edge_api::state::AppState;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::database::RecordingDatabase;
use crate::requests::{Answer, SECRET, SESSION, user_token};

/// Long after what should happen has happened, so that only a failure is waited for so long.
const FAILURE: Duration = Duration::from_secs(30);

/// A server of its own for each test.
struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(router: Router, settings: ServerSettings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async { stopped.await.unwrap_or_default() };
        let task = tokio::spawn(serve(listener, router, settings, stopped));
        Self {
            address,
            stop,
            task,
        }
    }

    /// The product over a database.
    async fn of(database: &RecordingDatabase, settings: ServerSettings) -> Self {
        Self::start(router(state(database), Vec::new()), settings).await
    }

    async fn connect(&self) -> Wire {
        self.connect_from([127, 0, 0, 1]).await
    }

    /// Linux lets any address of 127.0.0.0/8 be the client's.
    async fn connect_from(&self, source: [u8; 4]) -> Wire {
        let socket = TcpSocket::new_v4().expect("a socket");
        // Little room, so that an answer that is not read stays with the server.
        socket.set_recv_buffer_size(4096).expect("a size");
        socket.bind((source, 0).into()).expect("a free port");
        let stream = socket.connect(self.address).await.expect("it listens");
        Wire(stream)
    }

    /// Stops the server and returns when it has stopped.
    async fn stop(self) {
        self.stop.send(()).expect("the server waits for it");
        within(self.task).await.expect("no panic");
    }
}

fn state(database: &RecordingDatabase) -> AppState {
    AppState::new(Arc::new(database.clone()), Verifier::new(&SECRET.into()))
}

/// What comes long before a test has failed.
async fn within<T>(future: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(FAILURE, future).await;
    outcome.expect("it happens at all")
}

/// A client that sends any bytes.
struct Wire(TcpStream);

impl Wire {
    async fn send(&mut self, text: &str) {
        let sent = self.0.write_all(text.as_bytes()).await;
        sent.expect("the server reads");
    }

    /// Sends a request without a body and reads its answer.
    async fn ask(&mut self, request: &str) -> Answer {
        self.send(request).await;
        self.answer().await
    }

    async fn answer(&mut self) -> Answer {
        within(self.read_answer()).await.expect("an answer")
    }

    /// None: the connection ended before an answer did.
    async fn read_answer(&mut self) -> Option<Answer> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).expect("a head is text");
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status = status.and_then(|status| status.parse().ok());
        let headers: HeaderMap = lines
            .map(|line| {
                let (name, value) = line.split_once(": ").expect("a header");
                let name: HeaderName = name.parse().expect("a name");
                (name, HeaderValue::from_str(value).expect("a value"))
            })
            .collect();
        let length = headers.get("content-length").map(|length| length.to_str());
        let length = length
            .and_then(Result::ok)
            .and_then(|text| text.parse().ok());
        let mut body = vec![0; length.unwrap_or_default()];
        self.0.read_exact(&mut body).await.ok()?;
        Some(Answer {
            status: StatusCode::from_u16(status?).expect("a status"),
            headers,
            body: String::from_utf8(body).expect("answers are UTF-8"),
        })
    }

    /// Waits for the end of the connection and returns what came before it.
    async fn until_end(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset is an end as well.
        let _ = within(self.0.read_to_end(&mut rest)).await;
        rest
    }
}

fn get(path: &str) -> String {
    let token = user_token();
    format!("GET {path} HTTP/1.1\r\nhost: a.test\r\nauthorization: Bearer {token}\r\n\r\n")
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: a.test\r\n\r\n";

/// A call of the database.
fn get_state() -> String {
    get(&format!("/v1/streams/{SESSION}/state"))
}

/// The head of a request whose body is JSON.
fn post_messages(length: &str) -> String {
    let token = user_token();
    format!(
        "POST /v1/streams/{SESSION}/messages HTTP/1.1\r\nhost: a.test\r\n\
         authorization: Bearer {token}\r\ncontent-type: application/json\r\n{length}\r\n\r\n"
    )
}
