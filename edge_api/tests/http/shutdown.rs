//! A stopping service finishes what it has begun.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use edge_api::server::{self, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};

/// A route that says when it was entered and answers when it is told to.
fn slow_route(entered: Arc<Notify>, go_on: Arc<Notify>) -> Router {
    let handler = async move || {
        entered.notify_one();
        go_on.notified().await;
        "done"
    };
    Router::new().route("/", get(handler))
}

async fn open_request(address: SocketAddr) -> TcpStream {
    let mut connection = TcpStream::connect(address).await.expect("it listens");
    let request = b"GET / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n";
    connection.write_all(request).await.expect("a request");
    connection
}

#[tokio::test]
async fn an_open_request_is_answered_after_the_stop() {
    let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let router = slow_route(entered.clone(), go_on.clone());
    let stopped = async { stopped.await.unwrap_or_default() };
    let server = tokio::spawn(serve(listener, router, stopped, Duration::from_secs(60)));

    let mut connection = open_request(address).await;
    entered.notified().await;
    stop.send(()).expect("the server waits for it");
    go_on.notify_one();
    let mut answer = String::new();
    connection
        .read_to_string(&mut answer)
        .await
        .expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("done"), "{answer}");
    server.await.expect("no panic").expect("no error");
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_keep_the_service_alive() {
    let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let router = slow_route(entered.clone(), go_on);
    let stopped = async { stopped.await.unwrap_or_default() };
    let server = tokio::spawn(serve(listener, router, stopped, Duration::from_millis(20)));

    let _connection = open_request(address).await;
    entered.notified().await;
    stop.send(()).expect("the server waits for it");
    let server = tokio::time::timeout(Duration::from_secs(20), server).await;
    let result = server.expect("it stops within its drain time");
    result.expect("no panic").expect("no error");
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
