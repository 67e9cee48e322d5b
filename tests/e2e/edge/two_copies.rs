//! Two copies of the edge behind a plain TCP balancer: neither knows something that the other would miss.

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::request::Request;
use uuid::Uuid;

/// Sends a request to one copy.
async fn at(
    services: &Services,
    copy: usize,
    token: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Result<Value> {
    let request = Request::new(method, path).bearer(token);
    let request = match &body {
        Some(body) => request.json(body),
        None => request,
    };
    request.send(&services.copy_urls[copy]).await?.ok()
}

#[tokio::test]
async fn what_one_copy_did_the_other_knows() -> Result<()> {
    let services = Services::start().await?;
    let seller = services.token_of(demo::SELLER);
    let ada = services.token_of(demo::ADA);
    let post = Method::POST;

    // The same request id at both: one stream.
    let body = json!({"auction_id": demo::AUCTION, "request_id": Uuid::new_v4()});
    let started = at(
        &services,
        0,
        &seller,
        post.clone(),
        "/v1/streams",
        Some(body.clone()),
    )
    .await?;
    let again = at(
        &services,
        1,
        &seller,
        post.clone(),
        "/v1/streams",
        Some(body),
    )
    .await?;
    assert_eq!(started, again);
    let stream = format!("/v1/streams/{}", started["id"].as_str().context("no id")?);
    let active = json!({"state": "active", "generation": 1});
    let state = format!("{stream}/state");
    at(&services, 1, &seller, Method::PATCH, &state, Some(active)).await?;
    assert_eq!(
        at(&services, 0, &ada, Method::GET, &state, None).await?,
        "active"
    );

    // Joined at one, at home at the other.
    let joined = at(
        &services,
        0,
        &ada,
        post.clone(),
        &format!("{stream}/join"),
        None,
    )
    .await?;
    let beat = json!({"join_no": joined["join_no"]});
    let heartbeat = format!("{stream}/heartbeat");
    let beat = at(&services, 1, &ada, post.clone(), &heartbeat, Some(beat)).await?;
    assert_eq!(beat["status"], "ok");

    // The same message at both: one entry of the log.
    let message = json!({"content": "once", "id": Uuid::new_v4()});
    let messages = format!("{stream}/messages");
    let sent = at(
        &services,
        1,
        &ada,
        post.clone(),
        &messages,
        Some(message.clone()),
    )
    .await?;
    let again = at(&services, 0, &ada, post.clone(), &messages, Some(message)).await?;
    assert_eq!(sent, again);
    for copy in [0, 1] {
        let log = at(&services, copy, &ada, Method::GET, &messages, None).await?;
        let log = log.as_array().context("no list")?;
        let times = log.iter().filter(|entry| entry["content"] == "once");
        assert_eq!(times.count(), 1, "copy {copy}");
    }

    // Put out at one, refused at the other.
    let ban = json!({"user_id": demo::ADA});
    let path = format!("{stream}/moderation/ban");
    at(&services, 0, &seller, post, &path, Some(ban)).await?;
    let refused = Request::post(&heartbeat).bearer(&ada);
    let refused = refused.send(&services.copy_urls[1]).await?;
    assert_eq!(refused.json()["code"], "banned", "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn a_copy_that_dies_costs_no_request_that_comes_later() -> Result<()> {
    let mut services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    services.kill_copy(0)?;
    let seller = services.token_of(demo::SELLER);
    for number in 0..4 {
        let path = format!("/v1/streams/{stream}/messages");
        let body = json!({"content": format!("offer {number}"), "id": Uuid::new_v4()});
        services
            .edge_json(&seller, Method::POST, &path, body)
            .await?
            .ok()?;
    }
    let path = format!("/v1/streams/{stream}/state");
    let dead = Request::get(path).bearer(&seller);
    assert!(dead.send(&services.copy_urls[0]).await.is_err());
    Ok(())
}
