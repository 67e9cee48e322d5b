//! Tokens are counted, minted and refused ones.

use anyhow::Result;
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::refusal::expect_refusal;

#[tokio::test]
async fn tokens_are_counted_when_minted_and_when_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let cleo = database.viewer(id, demo::CLEO).await?;
    let minted = async || {
        // What a backend counts it hands on a moment later, or when it is told to.
        ada.execute_within("select pg_stat_force_next_flush()")
            .await?;
        database
            .figure("pg_stream_tokens_minted_total", json!({}))
            .await
    };
    let refused = async |reason: &str| {
        database
            .figure("pg_stream_tokens_refused_total", json!({"reason": reason}))
            .await
    };
    let before = minted().await?;
    let mint = || ada.rpc("generate_buyer_token", json!({"channel_id": id}));
    mint().await?;
    assert_eq!(minted().await?, before + 1.0);

    // Nobody's fault but the call's own: not counted.
    let unnamed = ada.rpc("generate_buyer_token", json!({}));
    expect_refusal(ErrorCode::InvalidArgument, unnamed.await)?;
    let ben = database.user(demo::BEN).await?;
    let not_joined = ben.rpc("generate_buyer_token", json!({"channel_id": id}));
    expect_refusal(ErrorCode::NotViewer, not_joined.await)?;
    database
        .change("update stream.config set token_rate_per_minute = 1")
        .await?;
    let mut outcome = mint().await;
    while outcome.is_ok() {
        outcome = mint().await;
    }
    expect_refusal(ErrorCode::RateLimited, outcome)?;
    database
        .change("update stream.config set agora_app_id = null")
        .await?;
    let unconfigured = cleo.rpc("generate_buyer_token", json!({"channel_id": id}));
    expect_refusal(ErrorCode::NotConfigured, unconfigured.await)?;
    for reason in ["rate", "rights", "setup"] {
        assert_eq!(refused(reason).await?, 1.0, "{reason}");
    }
    Ok(())
}

/// A refusal in a transaction that may not write is that refusal, and not the sequence's.
#[tokio::test]
async fn a_refusal_that_cannot_be_counted_stays_what_it_is() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    database
        .change("update stream.config set agora_app_id = null")
        .await?;
    ada.begin().await?;
    ada.execute_within("set transaction read only").await?;
    let refused = ada.rpc_within("generate_buyer_token", json!({"channel_id": id}));
    expect_refusal(ErrorCode::NotConfigured, refused.await)?;
    ada.rollback().await?;
    let counted = database
        .figure("pg_stream_tokens_refused_total", json!({"reason": "setup"}))
        .await?;
    assert_eq!(counted, 0.0);
    Ok(())
}

/// Whoever holds the counter keeps no refusal waiting.
#[tokio::test]
async fn a_refusal_waits_for_nobody_who_holds_its_counter() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let holder = database.connect("postgres").await?;
    holder
        .batch_execute("begin; alter sequence stream.tokens_refused_rights cache 2")
        .await?;
    let ben = database.user(demo::BEN).await?;
    // Whoever waits without end is ended by this, and fails.
    ben.begin().await?;
    ben.execute_within("set local statement_timeout = '20s'")
        .await?;
    let refused = ben.rpc_within("generate_buyer_token", json!({"channel_id": id}));
    expect_refusal(ErrorCode::NotViewer, refused.await)?;
    ben.rollback().await?;
    holder.batch_execute("rollback").await?;
    let counted = database
        .figure(
            "pg_stream_tokens_refused_total",
            json!({"reason": "rights"}),
        )
        .await?;
    assert_eq!(counted, 0.0);
    Ok(())
}
