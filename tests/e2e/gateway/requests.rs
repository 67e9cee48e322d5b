//! Requests to Supabase's HTTP routes that are refused because of who sends them or what is in them: status,
//! code, and nothing written.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::secret;
use stream_tests::services::Services;
use stream_tests::services::access_token::{
    Signer, altered, claims_of, expired_claims_of, unsigned,
};
use stream_tests::services::gateway::expect_error;
use stream_tests::services::request::Request;
use uuid::Uuid;

fn message(session: Uuid, content: &str) -> Value {
    json!({"session_id": session, "user_id": null, "content": content})
}

fn with(mut arguments: Value, name: &str, value: Value) -> Value {
    arguments[name] = value;
    arguments
}

#[tokio::test]
async fn without_signing_in_nothing_is_open() -> Result<()> {
    let services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    for (function, arguments) in [
        ("send_message", message(stream, "hi")),
        ("get_stream_state", json!({"session_id": stream})),
        ("add_viewer", json!({"session_id": stream})),
        ("start_stream", json!({"auction_id": demo::AUCTION})),
        ("sync", json!({"session_id": stream})),
    ] {
        let with_the_public_key = services.rpc_request(function).json(&arguments);
        let answer = services
            .send_without_trace(&services.supabase_url, with_the_public_key)
            .await?;
        expect_error(&answer, 401, "42501").context(function)?;
        assert_eq!(answer.header("www-authenticate"), "Bearer");

        let with_no_key = Request::post(format!("/rest/v1/rpc/{function}"))
            .header("content-profile", "stream")
            .json(&arguments);
        let answer = services
            .send_without_trace(&services.supabase_url, with_no_key)
            .await?;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn nothing_but_a_genuine_token_in_its_time_counts() -> Result<()> {
    let services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    let claims = claims_of(demo::SELLER);
    let genuine = services.signer.sign(&claims);
    let of_another = services.token_of(demo::ADA);
    let another_secret = Signer::new(&secret::random("another JWT secret", 32)?);
    let service = json!({"role": "service_role", "exp": claims["exp"]});
    for (token, code) in [
        (
            services.signer.sign(&expired_claims_of(demo::SELLER)),
            "PGRST303",
        ),
        (another_secret.sign(&claims), "PGRST301"),
        (another_secret.sign(&service), "PGRST301"),
        (altered(&of_another, &claims), "PGRST301"),
        (unsigned(&claims), "PGRST301"),
        (unsigned(&service), "PGRST301"),
        ("not.a.token".to_owned(), "PGRST301"),
    ] {
        let request = services.rpc_request("send_message").bearer(&token);
        let request = request.json(&message(stream, "hi"));
        let answer = services
            .send_without_trace(&services.supabase_url, request)
            .await?;
        expect_error(&answer, 401, code)?;
    }
    services
        .rpc(&genuine, "send_message", message(stream, "hi"))
        .await?
        .ok()?;
    Ok(())
}

#[tokio::test]
async fn a_malformed_id_is_a_bad_request() -> Result<()> {
    let services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    let seller = services.token_of(demo::SELLER);
    for (function, arguments) in [
        ("pause_stream", json!({"session_id": "1"})),
        (
            "send_message",
            with(message(stream, "hi"), "session_id", json!("x")),
        ),
        (
            "send_message",
            with(message(stream, "hi"), "id", json!("' or true --")),
        ),
        (
            "send_message",
            with(message(stream, "hi"), "user_id", json!(1)),
        ),
        ("sync", json!({"session_id": stream, "after_seq": "one"})),
    ] {
        let request = services.rpc_request(function).bearer(&seller);
        let answer = services
            .send_without_trace(&services.supabase_url, request.json(&arguments))
            .await?;
        expect_error(&answer, 400, "22P02").context(arguments)?;
    }
    Ok(())
}

#[tokio::test]
async fn content_that_is_not_allowed_is_refused() -> Result<()> {
    let services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    let seller = services.token_of(demo::SELLER);
    let longest = "é".repeat(2000);
    let too_long = "é".repeat(2001);
    for (content, code) in [
        ("", ErrorCode::ContentEmpty),
        (" \t\r\n\u{3000}", ErrorCode::ContentEmpty),
        (&too_long, ErrorCode::ContentTooLong),
        ("a\u{7}b", ErrorCode::ContentInvalid),
        ("a\u{202e}b", ErrorCode::ContentInvalid),
    ] {
        let arguments = message(stream, content);
        services
            .rpc_refuses(code, &seller, "send_message", arguments)
            .await?;
    }
    let answer = services
        .rpc(&seller, "send_message", message(stream, &longest))
        .await?;
    assert_eq!(answer.ok()?["content"], longest);
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_no_text_is_a_bad_request() -> Result<()> {
    let services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    let seller = services.token_of(demo::SELLER);
    let around = |content: &[u8]| {
        let start = format!(r#"{{"session_id":"{stream}","user_id":null,"content":""#);
        [start.as_bytes(), content, br#""}"#].concat()
    };
    for (body, code) in [
        (around(b"\xff"), "PGRST102"),
        (around(b"a\xc3"), "PGRST102"),
        (around(b"\xed\xa0\x80"), "PGRST102"),
        // An escaped zero character and half a surrogate pair are JSON, and no text of Postgres.
        (around(br"a\u0000b"), "22P05"),
        (around(br"a\ud83db"), "22P02"),
        (b"{".to_vec(), "PGRST102"),
    ] {
        let request = services.rpc_request("send_message").bearer(&seller);
        let answer = services
            .send_without_trace(&services.supabase_url, request.json_bytes(body.clone()))
            .await?;
        expect_error(&answer, 400, code).context(String::from_utf8_lossy(&body).into_owned())?;
    }
    let request = services.rpc_request("send_message").bearer(&seller);
    let request = request.json_bytes(around(b"ok"));
    request.send(&services.supabase_url).await?.ok()?;
    Ok(())
}
