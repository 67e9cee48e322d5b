//! Reading, marking and following through the gateways, as an app calls them.

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::services::edge::expect_problem;
use stream_tests::services::{Services, script};
use stream_tests::stream::{numbers, send_message};

#[tokio::test]
async fn an_app_follows_a_chat_catches_up_and_marks_what_it_read() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    database.viewer(stream, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let held = send_message(&seller, stream, "welcome").await?["id"].clone();
    send_message(&seller, stream, "lot one").await?;
    let argument = json!({
        "supabaseUrl": services.supabase_url,
        "anonKey": services.keys.anon_key,
        "sessionId": stream,
        "viewer": services.token_of(demo::ADA),
        "held": held,
    });
    let environment = &database.environment;
    let finished = script::run(
        environment,
        "tests/js/follow_chat.mjs",
        &[&argument.to_string()],
    )
    .await?;
    assert_eq!(finished.exit_code, Some(0), "{finished:?}");
    let seen = finished.json()?;

    assert_eq!(seen["verdict"], "joined");
    assert_eq!(seen["subscription"]["user_id"], json!(demo::ADA));
    assert_eq!(seen["subscription"]["is_active"], true);
    assert_eq!(seen["left"]["is_active"], false);
    assert_eq!(seen["left"]["id"], seen["subscription"]["id"]);
    assert_eq!(seen["frame"]["messages"][0]["content"], "hello");
    assert_eq!(seen["frame"]["messages"][0]["deleted_at"], Value::Null);
    let missed = seen["missed"].as_array().context("no messages")?;
    assert_eq!(numbers(missed), [4, 5]);
    assert_eq!(seen["unread"], json!([5, 3, 0]));
    Ok(())
}

#[tokio::test]
async fn the_edge_marks_counts_follows_and_catches_up() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    database.viewer(stream, demo::ADA).await?;
    let ada = services.token_of(demo::ADA);
    let path = format!("/v1/streams/{stream}");
    let first = database.log(stream).await?[0]["id"].clone();

    let since = format!("{path}/messages/since/{}", first.as_str().context("no id")?);
    let missed = services.edge(&ada, Method::GET, &since).await?.ok()?;
    assert_eq!(missed[0]["seq"], 2);

    let reads = format!("{path}/reads");
    let up_to = format!("{reads}/up_to");
    for (method, route, body, left) in [
        (Method::POST, &reads, json!({"message_ids": [first]}), 1),
        (Method::PUT, &up_to, json!({"seq": 2}), 0),
    ] {
        let marked = services.edge_json(&ada, method, route, body).await?.ok()?;
        assert_eq!(marked, json!(left));
        let counted = services.edge(&ada, Method::GET, &reads).await?.ok()?;
        assert_eq!(counted, json!(left));
    }

    let subscriptions = format!("{path}/subscriptions");
    let followed = services
        .edge(&ada, Method::POST, &subscriptions)
        .await?
        .ok()?;
    assert_eq!(followed["channel"], format!("chat:{stream}"));
    let own = format!(
        "/v1/subscriptions/{}",
        followed["id"].as_str().context("no id")?
    );
    let ben = services.token_of(demo::BEN);
    let foreign = services.edge(&ben, Method::DELETE, &own).await?;
    expect_problem(&foreign, ErrorCode::SubscriptionNotFound)?;
    let left = services.edge(&ada, Method::DELETE, &own).await?.ok()?;
    assert_eq!(left["is_active"], false);

    let sync = format!("{path}/sync");
    let synced = services.edge(&ada, Method::GET, &sync).await?.ok()?;
    assert_eq!(synced["read"], json!([[1, 2]]));
    assert_eq!(
        (&synced["unread_count"], &synced["cooldown_ms"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(synced["restrictions"], json!([]));
    Ok(())
}

#[tokio::test]
async fn the_edge_posts_an_auction_update_for_the_service_alone() -> Result<()> {
    let services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    let updates = format!("/v1/streams/{stream}/auction-updates");
    let update = json!({"text": "Ada bids 20", "amount": 20});
    let seller = services.token_of(demo::SELLER);
    let refused = services
        .edge_json(&seller, Method::POST, &updates, update.clone())
        .await?;
    expect_problem(&refused, ErrorCode::PermissionDenied)?;
    let key = &services.keys.service_role_key;
    let posted = services
        .edge_json(key, Method::POST, &updates, update)
        .await?
        .ok()?;
    assert_eq!(posted["message_type"], "auction_update");
    assert_eq!(posted["content"], "Ada bids 20");
    assert_eq!(posted["metadata"]["amount"], 20);
    Ok(())
}
