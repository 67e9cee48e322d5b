//! After a takeover, only the newest device of a seller gets a token.

use anyhow::Result;
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::refusal::expect_refusal;
use stream_tests::stream::{move_to, session_id};

/// Otherwise the old phone would wait for the rate and knock again, for nothing.
#[tokio::test]
async fn a_superseded_device_beyond_its_rate_hears_that_it_is_superseded() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change("update stream.config set token_rate_per_minute = 1 where id")
        .await?;
    let seller = database.user(demo::SELLER).await?;
    let start = || seller.rpc("start_stream", json!({"auction_id": demo::AUCTION}));
    let id = session_id(&start().await?)?;
    start().await?;
    let token = |generation: i32| {
        let arguments = json!({"user_id": null, "channel_id": id, "generation": generation});
        seller.rpc("refresh_token", arguments)
    };
    token(2).await?;
    database.refuses(ErrorCode::RateLimited, token(2)).await?;
    database.refuses(ErrorCode::StaleHost, token(1)).await
}

/// Whoever is no host is told that, or has none to be stale: the generation is the host's.
#[tokio::test]
async fn a_generation_says_nothing_about_who_is_not_the_host() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let arguments = json!({"seller_id": null, "channel_id": id, "generation": 7});
    let call = ada.rpc("generate_seller_token", arguments);
    database.refuses(ErrorCode::NotStreamOwner, call).await?;
    let arguments = json!({"user_id": null, "channel_id": id, "generation": 7});
    let token = ada.rpc("refresh_token", arguments.clone()).await?;
    assert_eq!(token["privileges"]["can_publish"], false);

    let seller = database.user(demo::SELLER).await?;
    move_to(&seller, id, StreamState::Ended).await?;
    let call = seller.rpc("refresh_token", arguments);
    database.refuses(ErrorCode::StreamEnded, call).await
}

/// The old phone asks while the takeover is under way, and gets no token of the new one's uid.
#[tokio::test]
async fn a_token_that_waited_for_a_takeover_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (old, new) = (
        database.user(demo::SELLER).await?,
        database.user(demo::SELLER).await?,
    );
    let start = json!({"auction_id": demo::AUCTION});
    let id = session_id(&old.rpc("start_stream", start.clone()).await?)?;
    let backend = old.backend().await?;
    new.begin().await?;
    new.rpc_within("start_stream", start).await?;
    let waiting = tokio::spawn(async move {
        let arguments = json!({"user_id": null, "channel_id": id, "generation": 1});
        old.rpc("refresh_token", arguments).await
    });
    wait_until_blocked(&database.owner, backend).await?;
    new.commit().await?;
    expect_refusal(ErrorCode::StaleHost, waiting.await?)
}
