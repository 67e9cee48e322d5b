//! Calls that the edge refuses to a caller: each as a problem of the catalogue, with nothing written, next to
//! the call that is allowed. `routes` holds the result of every route.

use anyhow::Result;
use hyper::Method;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::request::Request;
use uuid::Uuid;

const UNKNOWN: Uuid = Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_ffff);

fn post(path: String, token: &str, body: &Value) -> Request {
    Request::post(path).bearer(token).json(body)
}

fn messages(stream: Uuid) -> String {
    format!("/v1/streams/{stream}/messages")
}

#[tokio::test]
async fn a_stream_that_does_not_exist_is_refused() -> Result<()> {
    let services = Services::start().await?;
    let seller = services.token_of(demo::SELLER);
    let stream = format!("/v1/streams/{UNKNOWN}");
    for (method, path, body) in [
        (Method::GET, stream.clone(), None),
        (Method::GET, format!("{stream}/state"), None),
        (
            Method::PATCH,
            format!("{stream}/state"),
            Some(json!({"state": "active"})),
        ),
        (Method::POST, format!("{stream}/pause"), None),
        (Method::POST, format!("{stream}/resume"), None),
        (Method::POST, format!("{stream}/end"), None),
        (Method::POST, format!("{stream}/viewers"), None),
        (Method::GET, format!("{stream}/viewers/count"), None),
        (
            Method::DELETE,
            format!("{stream}/viewers/{}", demo::SELLER),
            None,
        ),
        (
            Method::POST,
            format!("{stream}/messages"),
            Some(json!({"content": "hi"})),
        ),
        (Method::GET, format!("{stream}/messages"), None),
        (Method::GET, format!("{stream}/sync"), None),
    ] {
        let request = Request::new(method, path).bearer(&seller);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        services
            .edge_refuses(ErrorCode::SessionNotFound, request)
            .await?;
    }
    for route in ["seller", "buyer"] {
        let request = post(
            format!("/v1/tokens/{route}"),
            &seller,
            &json!({"channel_id": UNKNOWN}),
        );
        services
            .edge_refuses(ErrorCode::ChannelNotFound, request)
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_ended_stream_takes_nothing_more() -> Result<()> {
    let services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    let seller = services.token_of(demo::SELLER);
    let path = |what: &str| format!("/v1/streams/{stream}/{what}");
    let content = json!({"content": "hi"});
    services
        .edge_json(&seller, Method::POST, &path("messages"), content.clone())
        .await?
        .ok()?;
    services
        .edge(&seller, Method::POST, &path("end"))
        .await?
        .ok()?;
    for request in [
        post(path("messages"), &seller, &content),
        post(path("pause"), &seller, &json!({})),
        post(path("resume"), &seller, &json!({})),
        post(path("viewers"), &services.token_of(demo::BEN), &json!({})),
        post(
            "/v1/tokens/seller".to_owned(),
            &seller,
            &json!({"channel_id": stream}),
        ),
    ] {
        services
            .edge_refuses(ErrorCode::StreamEnded, request)
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn only_the_seller_moves_a_stream() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    database.viewer(stream, demo::ADA).await?;
    let stranger = services.token_of(database.add_stranger().await?);
    let ada = services.token_of(demo::ADA);
    let path = |what: &str| format!("/v1/streams/{stream}/{what}");
    for token in [&stranger, &ada] {
        for what in ["pause", "resume", "end"] {
            let request = post(path(what), token, &json!({}));
            services
                .edge_refuses(ErrorCode::NotStreamOwner, request)
                .await?;
        }
        let request = Request::new(Method::PATCH, path("state")).bearer(token);
        let request = request.json(&json!({"state": "paused"}));
        services
            .edge_refuses(ErrorCode::NotStreamOwner, request)
            .await?;
    }
    let request = post(
        "/v1/streams".to_owned(),
        &ada,
        &json!({"auction_id": demo::AUCTION}),
    );
    services
        .edge_refuses(ErrorCode::NotAuctionOwner, request)
        .await?;

    let seller = services.token_of(demo::SELLER);
    let paused = services
        .edge(&seller, Method::POST, &path("pause"))
        .await?
        .ok()?;
    assert_eq!(paused["state"], "paused");
    Ok(())
}

#[tokio::test]
async fn a_buyer_gets_no_seller_token() -> Result<()> {
    let services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    let ada = services.token_of(demo::ADA);
    let [seller_route, buyer_route] = ["/v1/tokens/seller", "/v1/tokens/buyer"].map(str::to_owned);
    for (code, path, body) in [
        (
            ErrorCode::NotViewer,
            &buyer_route,
            json!({"channel_id": stream}),
        ),
        (
            ErrorCode::NotStreamOwner,
            &seller_route,
            json!({"channel_id": stream}),
        ),
        (
            ErrorCode::NotSelf,
            &seller_route,
            json!({"channel_id": stream, "seller_id": demo::SELLER}),
        ),
    ] {
        services
            .edge_refuses(code, post(path.clone(), &ada, &body))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn without_a_certificate_there_are_no_tokens_and_everything_else_goes_on() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    let seller = services.token_of(demo::SELLER);
    let body = json!({"channel_id": stream});
    let path = "/v1/tokens/seller";
    services
        .edge_json(&seller, Method::POST, path, body.clone())
        .await?
        .ok()?;

    database.change("delete from vault.secrets").await?;
    for _ in 0..2 {
        let request = post(path.to_owned(), &seller, &body);
        services
            .edge_refuses(ErrorCode::CertificateMissing, request)
            .await?;
    }
    let content = json!({"content": "hi"});
    services
        .edge_json(&seller, Method::POST, &messages(stream), content)
        .await?
        .ok()?;
    assert!(services.are_alive());
    Ok(())
}
