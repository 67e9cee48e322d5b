//! A stopping service finishes what was begun, and waits for nothing else.

use axum::routing::{get, post};
use edge_api::server;
use tokio::sync::Notify;

use super::*;

/// Whatever ends within a test did not wait for this.
const LONG: Duration = Duration::from_secs(3600);

/// Routes that say when they were entered and answer when they are told to.
#[derive(Clone, Default)]
struct Slow {
    entered: Arc<Notify>,
    go_on: Arc<Notify>,
}

impl Slow {
    async fn server(&self, drain: Duration) -> Server {
        let slow = self.clone();
        let handler = async move || {
            slow.entered.notify_one();
            slow.go_on.notified().await;
            "done"
        };
        let entered = self.entered.clone();
        let reader = async move |body: axum::body::Body| {
            entered.notify_one();
            let _ = axum::body::to_bytes(body, usize::MAX).await;
        };
        let router = Router::new()
            .route("/", get(handler))
            .route("/body", post(reader));
        let settings = ServerSettings {
            drain,
            head_timeout: LONG,
            idle_timeout: LONG,
            body_timeout: LONG,
            ..ServerSettings::default()
        };
        Server::start(router, settings).await
    }
}

const REQUEST: &str = "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";

#[tokio::test]
async fn an_open_request_is_answered_after_the_stop() {
    let slow = Slow::default();
    let server = slow.server(LONG).await;
    let mut wire = server.connect().await;
    wire.send(REQUEST).await;
    slow.entered.notified().await;
    let stopping = tokio::spawn(server.stop());
    // Idle ones are closed at once, so this one is after the stop.
    tokio::task::yield_now().await;
    slow.go_on.notify_one();
    let answer = wire.answer().await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (200, "done")
    );
    assert!(wire.until_end().await.is_empty());
    within(stopping).await.expect("no panic");
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_keep_the_service_alive() {
    let slow = Slow::default();
    let server = slow.server(Duration::from_millis(20)).await;
    let mut wire = server.connect().await;
    wire.send(REQUEST).await;
    slow.entered.notified().await;
    server.stop().await;
    assert!(wire.until_end().await.is_empty());
}

#[tokio::test]
async fn nobody_who_has_begun_nothing_is_waited_for() {
    let slow = Slow::default();
    let server = slow.server(LONG).await;
    let mut silent = server.connect().await;
    let mut idle = server.connect().await;
    slow.go_on.notify_one();
    assert_eq!(idle.ask(REQUEST).await.status, 200);
    slow.entered.notified().await;
    let mut half_head = server.connect().await;
    half_head.send("GET / HTTP/1.1\r\nhost: a").await;
    let mut half_body = server.connect().await;
    let head = "POST /body HTTP/1.1\r\nhost: a.test\r\ncontent-length: 5\r\n\r\n";
    half_body.send(&format!("{head}half")).await;
    slow.entered.notified().await;
    server.stop().await;
    for wire in [&mut silent, &mut idle, &mut half_head, &mut half_body] {
        assert!(wire.until_end().await.is_empty());
    }
}

#[tokio::test]
async fn a_new_connection_is_refused_while_the_service_stops() {
    let slow = Slow::default();
    let server = slow.server(LONG).await;
    let address = server.address;
    let mut wire = server.connect().await;
    wire.send(REQUEST).await;
    slow.entered.notified().await;
    let stopping = tokio::spawn(server.stop());
    within(async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    slow.go_on.notify_one();
    assert_eq!(wire.answer().await.status, 200);
    within(stopping).await.expect("no panic");
}

#[test]
fn the_address_file_holds_one_whole_line() {
    let name = format!("edge_api_address_{}", std::process::id());
    let file = std::env::temp_dir().join(name);
    let address = SocketAddr::from(([127, 0, 0, 1], 8080));
    server::write_address(&file, address).expect("a writable directory");
    let text = std::fs::read_to_string(&file).expect("the file");
    std::fs::remove_file(&file).expect("the file");
    assert_eq!(text, "127.0.0.1:8080\n");
}
