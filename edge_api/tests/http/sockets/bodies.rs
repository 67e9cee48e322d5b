//! Bodies over the limit: refused with 413, which reaches clients that are still sending.

use edge_api::caller::Role;
use edge_api::contract::Contract;
use edge_api::routes::ROUTES;

use super::*;
use crate::draft::filled;
use crate::requests::service_token;

const MANY_BYTES: usize = 4 << 20;

async fn server() -> Server {
    let database = RecordingDatabase::answering("null");
    Server::of(&database, ServerSettings::default()).await
}

/// Sends everything before it reads, as simple clients do; then the answer must still be there.
async fn refusal_after(head: &str, body: &[u8]) -> (u16, String) {
    let server = server().await;
    let mut wire = server.connect().await;
    wire.send(head).await;
    let sent = within(wire.0.write_all(body)).await;
    sent.expect("what is refused is read to its end");
    let answer = wire.answer().await;
    assert_eq!(answer.header("connection"), "close");
    server.stop().await;
    answer.refusal()
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_refused_after_it_was_sent() {
    let head = post_messages(&format!("content-length: {MANY_BYTES}"));
    let refusal = refusal_after(&head, &vec![b' '; MANY_BYTES]).await;
    assert_eq!(refusal, (413, "payload_too_large".to_owned()));
}

#[tokio::test]
async fn a_chunked_body_that_becomes_too_large_is_refused_after_it_was_sent() {
    let head = post_messages("transfer-encoding: chunked");
    let chunk = [b"10000\r\n", &vec![b' '; 0x1_0000] as &[u8], b"\r\n"].concat();
    let refusal = refusal_after(&head, &chunk.repeat(MANY_BYTES / 0x1_0000)).await;
    assert_eq!(refusal, (413, "payload_too_large".to_owned()));
}

#[tokio::test]
async fn a_client_that_asks_first_is_refused_before_it_sends() {
    let server = server().await;
    let mut wire = server.connect().await;
    let length = format!("content-length: {MANY_BYTES}\r\nexpect: 100-continue");
    wire.send(&post_messages(&length)).await;
    let refusal = wire.answer().await.refusal();
    assert_eq!(refusal, (413, "payload_too_large".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn bodies_take_so_much_memory_and_no_more() {
    let database = RecordingDatabase::answering("null");
    let settings = ServerSettings {
        body_memory_bytes: 40_000,
        ..ServerSettings::default()
    };
    let server = Server::of(&database, settings).await;
    let head = post_messages("content-length: 30000");
    let mut half = server.connect().await;
    half.send(&format!("{head}{}", " ".repeat(25_000))).await;
    let whole = format!("{head}{}", " ".repeat(30_000));
    let answer = within(async {
        // Until the half has arrived.
        loop {
            let mut wire = server.connect().await;
            wire.send(&whole).await;
            let answer = wire.answer().await;
            if answer.status == 503 {
                return answer;
            }
            wire.until_end().await;
        }
    });
    assert_eq!(answer.await.refusal(), (503, "overloaded".to_owned()));
    drop(half);
    within(async {
        loop {
            let mut wire = server.connect().await;
            wire.send(&whole).await;
            // Spaces are no JSON.
            if wire.answer().await.status == 400 {
                return;
            }
        }
    })
    .await;
    server.stop().await;
}

/// The answer to a head whose body never comes.
async fn answer_without_body(server: &Server, target: &str, headers: &str) -> (u16, String) {
    let mut wire = server.connect().await;
    let head = format!("{target} HTTP/1.1\r\nhost: a.test\r\n{headers}content-length: 1000");
    wire.send(&format!("{head}\r\n\r\n")).await;
    wire.answer().await.refusal()
}

#[tokio::test]
async fn whoever_may_not_call_is_refused_before_the_body() {
    let database = RecordingDatabase::answering("null");
    let server = Server::of(&database, ServerSettings::default()).await;
    let mut refused = 0;
    for route in ROUTES {
        let operation = Contract::get().operation(route.operation);
        let operation = operation.expect("an operation");
        for (role, token) in [
            (Role::Authenticated, user_token()),
            (Role::ServiceRole, service_token()),
        ] {
            if operation.admits(role) {
                continue;
            }
            let path = filled(route.path.to_owned(), operation);
            let target = format!("{} {path}", route.verb.method());
            let headers = format!("authorization: Bearer {token}\r\n");
            let refusal = answer_without_body(&server, &target, &headers).await;
            assert_eq!(refusal, (403, "permission_denied".to_owned()), "{target}");
            refused += 1;
        }
    }
    assert!(refused >= 8, "{refused}");
    assert!(database.asked().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_notice_that_nothing_can_make_valid_is_refused_before_its_body() {
    const TARGET: &str = "POST /webhooks/agora";
    let database = RecordingDatabase::answering("null");
    let without_secret = Server::of(&database, ServerSettings::default()).await;
    let signed = "agora-signature-v2: 00\r\n";
    let refusal = answer_without_body(&without_secret, TARGET, signed).await;
    assert_eq!(refusal, (503, "webhook_not_configured".to_owned()));
    without_secret.stop().await;

    let state = state(&database).with_webhook_secrets(vec!["a secret".into()]);
    let server = Server::start(router(state, Vec::new()), ServerSettings::default()).await;
    for (headers, code) in [
        ("", "webhook_signature_invalid"),
        (&signed.repeat(2), "webhook_signature_invalid"),
        ("agora-signature: 00\r\n", "webhook_signature_outdated"),
    ] {
        let refusal = answer_without_body(&server, TARGET, headers).await;
        assert_eq!(refusal, (401, code.to_owned()), "{headers}");
    }
    assert!(database.asked().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn one_address_takes_an_eighth_of_the_memory_and_others_are_served() {
    const MIB: usize = 1 << 20;
    let settings = ServerSettings {
        body_memory_bytes: 16 * MIB,
        body_timeout: Duration::from_secs(3600),
        ..ServerSettings::default()
    };
    let database = RecordingDatabase::answering("[]");
    let server = Server::of(&database, settings).await;
    let token = service_token();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: a.test\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {MIB}\r\n\r\n"
    );
    let stalled = " ".repeat(MIB - 1);
    let mut holders = [server.connect().await, server.connect().await];
    for holder in &mut holders {
        holder.send(&head).await;
        holder.send(&stalled).await;
    }
    let small = post_messages("content-length: 15") + "{\"content\":\"x\"}";
    within(async {
        // Until both have arrived.
        loop {
            let mut wire = server.connect().await;
            wire.send(&small).await;
            let answer = wire.answer().await;
            if answer.status == 503 {
                break assert_eq!(answer.refusal(), (503, "overloaded".to_owned()));
            }
        }
    })
    .await;
    let mut other = server.connect_from([127, 0, 0, 2]).await;
    other.send(&small).await;
    assert_eq!(other.answer().await.status, 200);
    drop(holders);
    server.stop().await;
}
