//! Heads that are no good: refused as problems, like everything else.

use super::*;

async fn answer_to(head: &str) -> Answer {
    let database = RecordingDatabase::answering("null");
    let server = Server::of(&database, ServerSettings::default()).await;
    let answer = server.connect().await.ask(head).await;
    assert!(database.asked().is_empty());
    server.stop().await;
    answer
}

async fn assert_refused(head: &str) {
    let answer = answer_to(head).await;
    assert_eq!(
        answer.refusal(),
        (400, "invalid_argument".to_owned()),
        "{head}"
    );
    assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
}

#[tokio::test]
async fn a_request_names_exactly_one_host() {
    for hosts in [
        "",
        "host: a.test\r\nhost: a.test\r\n",
        "host: a.test\r\nhost: b.test\r\n",
        "host: a.test, b.test\r\n",
        "host: \r\n",
    ] {
        assert_refused(&format!("GET /healthz HTTP/1.1\r\n{hosts}\r\n")).await;
    }
    let old = answer_to("GET /healthz HTTP/1.0\r\n\r\n").await;
    assert_eq!(old.status, 200);
}

#[tokio::test]
async fn a_target_in_absolute_form_is_served_when_it_names_the_same_host() {
    let request = |host| format!("GET http://a.test/healthz HTTP/1.1\r\nhost: {host}\r\n\r\n");
    assert_eq!(answer_to(&request("a.test")).await.status, 200);
    assert_refused(&request("b.test")).await;
}

#[tokio::test]
async fn other_forms_of_a_target_are_no_route() {
    for head in [
        "OPTIONS * HTTP/1.1\r\nhost: a.test\r\n\r\n",
        "CONNECT a.test:80 HTTP/1.1\r\nhost: a.test:80\r\n\r\n",
    ] {
        let answer = answer_to(head).await;
        assert!(answer.status.is_client_error(), "{head}: {}", answer.status);
    }
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let server = Server::of(
        &RecordingDatabase::answering("null"),
        ServerSettings::default(),
    )
    .await;
    for (bytes, status) in [(15 << 10, 200), (17 << 10, 431), (100_000, 431)] {
        let mut wire = server.connect().await;
        let long = "x".repeat(bytes);
        let head = format!("GET /healthz HTTP/1.1\r\nhost: a.test\r\nx: {long}\r\n\r\n");
        wire.send(&head).await;
        assert_eq!(wire.answer().await.status, status, "{bytes}");
        if status == 431 {
            wire.until_end().await;
        }
    }
    server.stop().await;
}
