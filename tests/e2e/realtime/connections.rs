//! Sockets of the stand-in: who gets one, and how it ends.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::access_token::expired_claims_of;
use stream_tests::services::phoenix::{Frame, Phoenix, text};
use stream_tests::services::request::Request;
use tokio_tungstenite::tungstenite::Message;

/// The status and the error of a refused handshake.
async fn refused(services: &Services, query: &str, key: Option<&str>) -> Result<(u16, String)> {
    let mut request = Request::get(format!("/realtime/v1/websocket?{query}"))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    if let Some(key) = key {
        request = request.header("x-api-key", key);
    }
    let answer = request.send(&services.supabase_url).await?;
    let error = answer.json()["error"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    Ok((answer.status, error))
}

#[tokio::test]
async fn a_socket_takes_an_api_key_from_the_query_or_a_header_and_its_own_version() -> Result<()> {
    let services = Services::start().await?;
    let key = &services.keys.anon_key;
    Phoenix::connect_with(&services, &format!("apikey={key}&vsn=2.0.0")).await?;
    assert_eq!(refused(&services, "vsn=2.0.0", Some(key)).await?.0, 101);

    let expired = services.signer.sign(&expired_claims_of(demo::ADA));
    for (query, status, error) in [
        ("vsn=2.0.0".to_owned(), 401, "apikey is missing"),
        ("apikey=x&vsn=2.0.0".to_owned(), 401, "Invalid API key"),
        (
            format!("apikey={expired}&vsn=2.0.0"),
            401,
            "Invalid API key",
        ),
        (
            format!("apikey={key}&vsn=3.0.0"),
            403,
            "supabase_local speaks vsn=2.0.0 only, the default of supabase-js",
        ),
        (
            format!("apikey={key}"),
            403,
            "supabase_local speaks vsn=2.0.0 only, the default of supabase-js",
        ),
    ] {
        let answered = refused(&services, &query, None).await?;
        assert_eq!(answered, (status, error.to_owned()));
    }
    Ok(())
}

/// The pause is the real server's 2 s elsewhere; here it is so long that only an answer without one could come first.
#[tokio::test]
async fn a_refused_handshake_is_answered_after_a_pause() -> Result<()> {
    let services = Services::start_with(&[("CONNECT_ERROR_BACKOFF_MS", "1500")]).await?;
    let ask = async || refused(&services, "vsn=2.0.0", None).await;
    let health = async || {
        for _ in 0..10 {
            Request::get("/health")
                .send(&services.supabase_url)
                .await?
                .ok()?;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        biased;
        answered = ask() => panic!("answered before ten others: {answered:?}"),
        done = health() => done?,
    }
    assert_eq!(ask().await?.0, 401);
    Ok(())
}

#[tokio::test]
async fn a_heartbeat_is_answered_and_what_is_no_frame_ends_the_socket() -> Result<()> {
    let services = Services::start().await?;
    let mut socket = Phoenix::connect(&services).await?;
    let beat = socket.heartbeat().await?;
    let answer = json!({"status": "ok", "response": {}});
    let expected = text(Value::Null, json!(beat), "phoenix", "phx_reply", answer);
    assert_eq!(socket.next().await?, expected);
    let unknown = socket
        .push(None, "realtime:nowhere", "wave", json!({}))
        .await?;
    let (status, response) = socket.reply_to(&unknown).await?;
    assert_eq!(
        (status.as_str(), &response["reason"]),
        ("error", &json!("unmatched topic"))
    );
    for message in [Message::text("{}"), Message::binary(vec![9, 9])] {
        let mut socket = Phoenix::connect(&services).await?;
        socket.send(message).await?;
        assert_eq!(socket.next().await?, Frame::Closed(Some(1002)));
    }
    Ok(())
}

/// A heartbeat that is so many bytes long.
fn heartbeat_of(bytes: usize) -> Message {
    let padded = |padding: &str| {
        json!([null, "1", "phoenix", "heartbeat", {"padding": padding}]).to_string()
    };
    let rest = bytes - padded("").len();
    Message::text(padded(&"x".repeat(rest)))
}

#[tokio::test]
async fn a_frame_of_more_than_five_megabytes_ends_the_socket() -> Result<()> {
    let services = Services::start().await?;
    let mut socket = Phoenix::connect(&services).await?;
    socket.send(heartbeat_of(5_000_000)).await?;
    assert_eq!(socket.reply_to("1").await?.0, "ok");
    let send = socket.send(heartbeat_of(5_000_001)).await;
    // The server may be gone before the frame is out.
    if send.is_ok() {
        let end = socket.next().await?;
        assert!(matches!(end, Frame::Closed(_)), "{end:?}");
    }
    Ok(())
}

/// What it is sent does not keep a socket: only what its client sends.
#[tokio::test]
async fn a_socket_whose_client_is_silent_is_closed_and_one_that_sends_is_not() -> Result<()> {
    let services = Services::start_with(&[("IDLE_TIMEOUT_MS", "1000")]).await?;
    let mut silent = Phoenix::connect(&services).await?;
    silent.join("realtime:a", json!({}), None).await?;
    let mut talking = Phoenix::connect(&services).await?;
    let join = talking.join("realtime:a", json!({}), None).await?;
    let message = json!({"type": "broadcast", "event": "e", "payload": {}});
    let mut received = 0;
    let mut is_closed = false;
    // Paced, so that all of them take at least six times as long, on any machine.
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        talking
            .push(Some(&join), "realtime:a", "broadcast", message.clone())
            .await?;
        let beat = talking.heartbeat().await?;
        talking.reply_to(&beat).await?;
        match silent.next().await? {
            Frame::Broadcast { .. } => received += 1,
            end => {
                assert_eq!(end, Frame::Closed(None));
                is_closed = true;
                break;
            }
        }
    }
    assert!(is_closed && received > 0, "{received} were received");
    let beat = talking.heartbeat().await?;
    assert_eq!(talking.reply_to(&beat).await?.0, "ok");
    Ok(())
}

#[tokio::test]
async fn a_socket_without_a_channel_is_cut_in_the_end_and_one_with_a_channel_is_not() -> Result<()>
{
    let services = Services::start_with(&[("NO_CHANNEL_TIMEOUT_IN_MS", "300")]).await?;
    let mut used = Phoenix::connect(&services).await?;
    used.join("realtime:a", json!({}), None).await?;
    let mut unused = Phoenix::connect(&services).await?;
    assert_eq!(unused.next().await?, Frame::Closed(None));
    let beat = used.heartbeat().await?;
    used.reply_to(&beat).await?;
    Ok(())
}

#[tokio::test]
async fn a_restart_closes_sockets_with_1012() -> Result<()> {
    let services = Services::start().await?;
    let mut socket = Phoenix::connect(&services).await?;
    services.fault(json!({"restart_with_loss": {}})).await?;
    assert_eq!(socket.next().await?, Frame::Closed(Some(1012)));
    Ok(())
}

#[tokio::test]
async fn a_hundred_and_first_channel_of_a_socket_is_refused() -> Result<()> {
    let services = Services::start().await?;
    let mut socket = Phoenix::connect(&services).await?;
    for number in 0..100 {
        socket
            .join(&format!("realtime:{number}"), json!({}), None)
            .await?;
    }
    let one_more = socket.ask_to_join("realtime:100", json!({}), None).await?;
    let (status, response) = socket.reply_to(&one_more).await?;
    assert_eq!(status, "error");
    assert_eq!(
        response["reason"],
        "ChannelRateLimitReached: Too many channels"
    );
    Ok(())
}
