//! The rate of tokens of one user, and who is exempt.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{buyer_token, refreshed_token, seller_token};
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::refusal::expect_refusal;
use stream_tests::session::Session;
use uuid::Uuid;

/// Six in a minute: one each ten seconds, six at once.
async fn stream_with_a_rate_of_six(database: &TestDatabase) -> Result<(Uuid, Session, Session)> {
    database
        .change("update stream.config set token_rate_per_minute = 6 where id")
        .await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    Ok((id, seller, ada))
}

async fn exhaust(caller: &Session, session: Uuid) -> Result<()> {
    for _ in 0..6 {
        refreshed_token(caller, session).await?;
    }
    Ok(())
}

async fn wait_ms(caller: &Session, session: Uuid) -> Result<u64> {
    let refusal = refreshed_token(caller, session).await.unwrap_err();
    let refusal = refusal.as_db_error().context("a refusal")?;
    let detail: Value = serde_json::from_str(refusal.detail().context("DETAIL")?)?;
    detail["retry_after_ms"].as_u64().context("a wait")
}

#[tokio::test]
async fn one_more_than_the_rate_is_refused_with_the_wait_and_leaves_no_trace() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, seller, ada) = stream_with_a_rate_of_six(&database).await?;
    for caller in [&seller, &ada] {
        exhaust(caller, id).await?;
        let call = refreshed_token(caller, id);
        database.refuses(ErrorCode::RateLimited, call).await?;
        let wait_ms = wait_ms(caller, id).await?;
        assert!((1..=10_000).contains(&wait_ms), "{wait_ms}");
    }
    let call = seller_token(&seller, id);
    database.refuses(ErrorCode::RateLimited, call).await?;
    let call = buyer_token(&ada, id);
    database.refuses(ErrorCode::RateLimited, call).await
}

/// The second device asks before the first one's tokens are committed, and is answered after.
#[tokio::test]
async fn a_token_that_waited_counts_those_it_waited_for() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, _, ada) = stream_with_a_rate_of_six(&database).await?;
    let other = database.user(demo::ADA).await?;
    let backend = other.backend().await?;
    ada.begin().await?;
    for _ in 0..6 {
        let arguments = json!({"buyer_id": null, "channel_id": id});
        ada.rpc_within("generate_buyer_token", arguments).await?;
    }
    let waiting = tokio::spawn(async move { buyer_token(&other, id).await });
    wait_until_blocked(&database.owner, backend).await?;
    ada.commit().await?;
    expect_refusal(ErrorCode::RateLimited, waiting.await?)
}

#[tokio::test]
async fn after_the_wait_there_is_one_token_and_after_a_minute_there_are_all() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, seller, ada) = stream_with_a_rate_of_six(&database).await?;
    for caller in [&seller, &ada] {
        exhaust(caller, id).await?;
        database.pass_time(id, 10).await?;
        refreshed_token(caller, id).await?;
        let call = refreshed_token(caller, id);
        database.refuses(ErrorCode::RateLimited, call).await?;
        database.pass_time(id, 60).await?;
        exhaust(caller, id).await?;
        let call = refreshed_token(caller, id);
        database.refuses(ErrorCode::RateLimited, call).await?;
    }
    Ok(())
}

#[tokio::test]
async fn users_and_streams_do_not_share_a_rate() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, seller, ada) = stream_with_a_rate_of_six(&database).await?;
    let other = database.stream_in(StreamState::Active).await?;
    exhaust(&ada, id).await?;
    refreshed_token(&seller, id).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    refreshed_token(&ben, id).await?;
    ada.rpc("add_viewer", json!({"session_id": other})).await?;
    refreshed_token(&ada, other).await?;
    Ok(())
}

/// A phone on a bad network joins again and again; it counts, for no more than a minute.
#[tokio::test]
async fn a_join_counts_and_is_never_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, _, ada) = stream_with_a_rate_of_six(&database).await?;
    for _ in 0..20 {
        let joined = ada.rpc("join_stream", json!({"session_id": id})).await?;
        assert!(joined["token"]["token"].is_string());
    }
    let call = refreshed_token(&ada, id);
    database.refuses(ErrorCode::RateLimited, call).await?;
    database.pass_time(id, 10).await?;
    refreshed_token(&ada, id).await?;
    Ok(())
}

#[tokio::test]
async fn a_renewal_by_heartbeat_comes_in_spite_of_the_rate_and_does_not_count() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, seller, ada) = stream_with_a_rate_of_six(&database).await?;
    for (caller, table, prefix) in [
        (&seller, "stream_sessions", "host_token"),
        (&ada, "stream_viewers", "token"),
    ] {
        exhaust(caller, id).await?;
        let make_due = format!(
            "update stream.{table} set {prefix}_issued_at = now() - interval '1 hour',
                 {prefix}_expires_at = now() + interval '1 second'"
        );
        database.change(&make_due).await?;
        assert!(send_heartbeat(caller, id).await?["token"].is_object());

        database.pass_time(id, 60).await?;
        database.change(&make_due).await?;
        assert!(send_heartbeat(caller, id).await?["token"].is_object());
        exhaust(caller, id).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_service_is_not_held_to_it_and_uses_nothing_up() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, _, ada) = stream_with_a_rate_of_six(&database).await?;
    let service = database.service().await?;
    for user in [demo::ADA, demo::SELLER] {
        for _ in 0..10 {
            let arguments = json!({"user_id": user, "channel_id": id});
            service.rpc("refresh_token", arguments).await?;
        }
    }
    exhaust(&ada, id).await
}

/// What was written by a clock that was ahead locks nobody out.
#[tokio::test]
async fn a_clock_that_is_set_back_makes_nobody_wait() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, seller, ada) = stream_with_a_rate_of_six(&database).await?;
    for caller in [&seller, &ada] {
        exhaust(caller, id).await?;
        database.pass_time(id, -3600).await?;
        refreshed_token(caller, id).await?;
    }
    Ok(())
}
