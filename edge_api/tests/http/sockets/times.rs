//! Clients that take their time: each wait of the server ends by itself.

use tokio::net::tcp::OwnedReadHalf;

use super::*;

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(3600);

/// Nothing ends by itself, but what a test shortens.
fn patient() -> ServerSettings {
    ServerSettings {
        head_timeout: LONG,
        idle_timeout: LONG,
        body_timeout: LONG,
        write_timeout: LONG,
        ..ServerSettings::default()
    }
}

async fn server(shorten: impl FnOnce(&mut ServerSettings)) -> Server {
    let mut settings = patient();
    shorten(&mut settings);
    Server::of(&RecordingDatabase::answering("null"), settings).await
}

/// Waits until the server ends a connection on which the client goes on sending.
async fn is_cut_off(mut reader: OwnedReadHalf, drip: impl Future<Output = ()>) {
    let mut answer = Vec::new();
    let end = async {
        // A reset is an end as well.
        let _ = reader.read_to_end(&mut answer).await;
    };
    within(async {
        tokio::select! {
            () = drip => {}
            () = end => {}
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let server = server(|settings| settings.head_timeout = SHORT).await;
    assert!(server.connect().await.until_end().await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_drips_is_cut_off() {
    let server = server(|settings| settings.head_timeout = SHORT).await;
    let (reader, mut writer) = server.connect().await.0.into_split();
    writer
        .write_all(b"GET / HTTP/1.1\r\nx: ")
        .await
        .expect("open");
    let drip = async {
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    is_cut_off(reader, drip).await;
    server.stop().await;
}

#[tokio::test]
async fn a_later_head_that_drips_is_cut_off_too() {
    let server = server(|settings| {
        settings.head_timeout = SHORT;
        settings.buffers_kept = SHORT / 10;
    })
    .await;
    let mut wire = server.connect().await;
    assert_eq!(wire.ask(HEALTH).await.status, 200);
    let (reader, mut writer) = wire.0.into_split();
    let drip = async {
        for byte in HEALTH.bytes().take(HEALTH.len() - 1).cycle() {
            if writer.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    is_cut_off(reader, drip).await;
    server.stop().await;
}

#[tokio::test]
async fn a_connection_without_another_request_is_closed() {
    let server = server(|settings| {
        settings.idle_timeout = SHORT;
        settings.buffers_kept = Duration::from_millis(1);
    })
    .await;
    let mut wire = server.connect().await;
    assert_eq!(wire.ask(HEALTH).await.status, 200);
    assert!(wire.until_end().await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_drips_is_refused() {
    let server = server(|settings| settings.body_timeout = SHORT).await;
    for length in ["content-length: 60", "transfer-encoding: chunked"] {
        let mut wire = server.connect().await;
        wire.send(&post_messages(length)).await;
        wire.send("2\r\n{ \r\n").await;
        let answer = wire.answer().await;
        assert_eq!(answer.refusal(), (408, "statement_timeout".to_owned()));
        assert_eq!(answer.header("connection"), "close");
        wire.until_end().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_connection_goes_on_after_it_was_quiet_and_gave_its_buffers_back() {
    let server = server(|settings| settings.buffers_kept = Duration::from_millis(1)).await;
    let mut wire = server.connect().await;
    for _ in 0..20 {
        assert_eq!(wire.ask(HEALTH).await.status, 200);
        // Not waited for: with or without buffers it must go on.
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    // The beginning of the next request comes with this one.
    let (beginning, rest) = HEALTH.split_at(20);
    wire.send(&format!("{HEALTH}{beginning}")).await;
    assert_eq!(wire.answer().await.status, 200);
    tokio::time::sleep(Duration::from_millis(3)).await;
    wire.send(rest).await;
    assert_eq!(wire.answer().await.status, 200);
    // Two at once are two answers.
    wire.send(&HEALTH.repeat(2)).await;
    for _ in 0..2 {
        assert_eq!(wire.answer().await.status, 200);
    }
    server.stop().await;
}
