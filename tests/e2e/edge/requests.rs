//! Requests that the edge refuses because of who sends them or what is in them: each as a problem of the
//! catalogue, with nothing written.

use anyhow::Result;
use hyper::Method;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::secret;
use stream_tests::services::Services;
use stream_tests::services::access_token::{
    Signer, altered, claims_of, expired_claims_of, unsigned,
};
use stream_tests::services::edge::expect_problem;
use stream_tests::services::request::Request;
use uuid::Uuid;

fn post(path: String, token: &str, body: &Value) -> Request {
    Request::post(path).bearer(token).json(body)
}

fn messages(stream: Uuid) -> String {
    format!("/v1/streams/{stream}/messages")
}

#[tokio::test]
async fn without_signing_in_nothing_is_open() -> Result<()> {
    let services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    let routes = || {
        [
            Request::post(messages(stream)).json(&json!({"content": "hi"})),
            Request::get(format!("/v1/streams/{stream}/state")),
            Request::post("/v1/streams").json(&json!({"auction_id": demo::AUCTION})),
        ]
    };
    for request in routes() {
        services
            .edge_refuses(ErrorCode::Unauthenticated, request)
            .await?;
    }
    for request in routes() {
        let request = request.bearer(&services.keys.anon_key);
        services
            .edge_refuses(ErrorCode::Unauthenticated, request)
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn nothing_but_a_genuine_token_in_its_time_counts() -> Result<()> {
    let services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    let claims = claims_of(demo::SELLER);
    let another_secret = Signer::new(&secret::random("another JWT secret", 32)?);
    let service = json!({"role": "service_role", "exp": claims["exp"]});
    let of_another = services.token_of(demo::ADA);
    let content = json!({"content": "hi"});
    for (code, token) in [
        (
            ErrorCode::TokenExpired,
            services.signer.sign(&expired_claims_of(demo::SELLER)),
        ),
        (ErrorCode::TokenInvalid, another_secret.sign(&claims)),
        (ErrorCode::TokenInvalid, another_secret.sign(&service)),
        (ErrorCode::TokenInvalid, altered(&of_another, &claims)),
        (ErrorCode::TokenInvalid, unsigned(&claims)),
        (ErrorCode::TokenInvalid, unsigned(&service)),
        (ErrorCode::TokenInvalid, "not.a.token".to_owned()),
    ] {
        let request = post(messages(stream), &token, &content);
        services.edge_refuses(code, request).await?;
    }
    let genuine = services.signer.sign(&claims);
    services
        .edge_json(&genuine, Method::POST, &messages(stream), content)
        .await?
        .ok()?;
    Ok(())
}

#[tokio::test]
async fn a_malformed_id_is_an_invalid_argument() -> Result<()> {
    let services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    let seller = services.token_of(demo::SELLER);
    for request in [
        Request::get("/v1/streams/1").bearer(&seller),
        post("/v1/streams/1/pause".to_owned(), &seller, &json!({})),
        post(
            "/v1/streams".to_owned(),
            &seller,
            &json!({"auction_id": "1"}),
        ),
        post(
            messages(stream),
            &seller,
            &json!({"content": "hi", "id": "1"}),
        ),
        post(
            messages(stream),
            &seller,
            &json!({"content": "hi", "user_id": 1}),
        ),
        Request::get(format!("/v1/streams/{stream}/sync?after_seq=one")).bearer(&seller),
    ] {
        services
            .edge_refuses(ErrorCode::InvalidArgument, request)
            .await?;
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
    let too_large = "a".repeat(70_000);
    for (content, code) in [
        ("", ErrorCode::ContentEmpty),
        (" \t\r\n\u{3000}", ErrorCode::ContentEmpty),
        (&too_long, ErrorCode::ContentTooLong),
        ("a\u{7}b", ErrorCode::ContentInvalid),
        ("a\u{202e}b", ErrorCode::ContentInvalid),
        ("a\0b", ErrorCode::InvalidText),
        (&too_large, ErrorCode::PayloadTooLarge),
    ] {
        let request = post(messages(stream), &seller, &json!({"content": content}));
        services.edge_refuses(code, request).await?;
    }
    let body = json!({"content": longest});
    let answer = services
        .edge_json(&seller, Method::POST, &messages(stream), body)
        .await?;
    assert_eq!(answer.ok()?["content"], longest);
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_no_text_is_refused() -> Result<()> {
    let services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    let seller = services.token_of(demo::SELLER);
    let request = |content: &[u8]| {
        let body = [br#"{"content":""#, content, br#""}"#].concat();
        Request::post(messages(stream))
            .bearer(&seller)
            .json_bytes(body)
    };
    for (content, code) in [
        (&b"\xff"[..], ErrorCode::InvalidText),
        (b"a\xc3", ErrorCode::InvalidText),
        (b"\xed\xa0\x80", ErrorCode::InvalidText),
        // Half a surrogate pair; and a string that does not end.
        (br"a\ud83db", ErrorCode::InvalidArgument),
        (br"a\", ErrorCode::InvalidArgument),
    ] {
        services.edge_refuses(code, request(content)).await?;
    }
    request(b"ok").send(&services.edge_url).await?.ok()?;
    Ok(())
}

#[tokio::test]
async fn a_route_that_does_not_exist_is_a_problem_too() -> Result<()> {
    let services = Services::start().await?;
    let seller = services.token_of(demo::SELLER);
    let answer = services.edge(&seller, Method::GET, "/v1/auctions").await?;
    expect_problem(&answer, ErrorCode::RouteNotFound)?;
    let answer = services
        .edge(&seller, Method::DELETE, "/v1/streams")
        .await?;
    assert_eq!(answer.status, 405, "{answer:?}");
    assert_eq!(answer.json()["code"], "route_not_found");
    Ok(())
}
