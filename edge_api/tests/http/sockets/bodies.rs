//! Bodies over the limit: refused with 413, which reaches clients that are still sending.

use super::*;

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
