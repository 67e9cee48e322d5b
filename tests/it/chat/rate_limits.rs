//! Rate limits of writers: a burst, then a steady rate, and the further wait of slow mode.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::refusal::retry_after_ms;
use stream_tests::session::Session;
use stream_tests::stream::send_message;
use uuid::Uuid;

/// Viewers: three at once, one more every ten seconds. The seller: five and twenty seconds.
async fn limited() -> Result<(TestDatabase, Uuid)> {
    let database = TestDatabase::create().await?;
    database
        .change(
            "update stream.config set chat_interval_ms = 10000, chat_burst = 3,
                 host_chat_interval_ms = 20000, host_chat_burst = 5 where id",
        )
        .await?;
    let session = database.stream_in(StreamState::Active).await?;
    Ok((database, session))
}

/// How long the refused sender is told to wait.
async fn wait_of(sender: &Session, session: Uuid) -> Result<u64> {
    let refused = send_message(sender, session, "one more")
        .await
        .expect_err("the limit is reached");
    retry_after_ms(&refused).context("no retry_after_ms")
}

#[tokio::test]
async fn a_viewer_writes_a_burst_and_then_waits() -> Result<()> {
    let (database, session) = limited().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    for number in 0..3 {
        send_message(&ada, session, &number.to_string()).await?;
    }
    database
        .refuses(ErrorCode::RateLimited, send_message(&ada, session, "four"))
        .await?;
    let wait = wait_of(&ada, session).await?;
    assert!((5_000..=10_000).contains(&wait), "{wait} ms");
    Ok(())
}

#[tokio::test]
async fn every_interval_gives_one_message_back() -> Result<()> {
    let (database, session) = limited().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    for number in 0..3 {
        send_message(&ada, session, &number.to_string()).await?;
    }
    database.pass_time(session, 10).await?;
    send_message(&ada, session, "after ten seconds").await?;
    database
        .refuses(
            ErrorCode::RateLimited,
            send_message(&ada, session, "at once"),
        )
        .await?;
    Ok(())
}

/// On a connection that has written before, and counted like any other.
#[tokio::test]
async fn another_rate_holds_from_the_next_message_on() -> Result<()> {
    let (database, session) = limited().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    for number in 0..3 {
        send_message(&ada, session, &number.to_string()).await?;
    }
    database
        .change("update stream.config set chat_burst = 4 where id")
        .await?;
    send_message(&ada, session, "four").await?;
    database
        .refuses(ErrorCode::RateLimited, send_message(&ada, session, "five"))
        .await?;
    database
        .change(&format!(
            "update stream.config set chat_burst = 5 where id;
             update stream.stream_sessions set slow_mode_ms = 60000 where id = '{session}'"
        ))
        .await?;
    database
        .refuses(ErrorCode::SlowMode, send_message(&ada, session, "five"))
        .await?;
    Ok(())
}

#[tokio::test]
async fn one_users_limit_is_nobody_elses() -> Result<()> {
    let (database, session) = limited().await?;
    let other = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let ben = database.viewer(session, demo::BEN).await?;
    database.viewer(other, demo::ADA).await?;
    for number in 0..3 {
        send_message(&ada, session, &number.to_string()).await?;
    }
    send_message(&ben, session, "hi").await?;
    send_message(&ada, other, "hi").await?;
    Ok(())
}

#[tokio::test]
async fn the_seller_has_a_limit_of_their_own() -> Result<()> {
    let (database, session) = limited().await?;
    let seller = database.user(demo::SELLER).await?;
    for number in 0..5 {
        send_message(&seller, session, &number.to_string()).await?;
    }
    database
        .refuses(
            ErrorCode::RateLimited,
            send_message(&seller, session, "six"),
        )
        .await?;
    let wait = wait_of(&seller, session).await?;
    assert!((10_001..=20_000).contains(&wait), "{wait} ms");
    database.pass_time(session, 20).await?;
    send_message(&seller, session, "six").await?;
    Ok(())
}

#[tokio::test]
async fn a_retry_costs_nothing_and_is_answered_past_the_limit() -> Result<()> {
    let (database, session) = limited().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let send =
        |id: Uuid| json!({"session_id": session, "user_id": null, "content": "hi", "id": id});
    let first = Uuid::new_v4();
    let stored = ada.rpc("send_message", send(first)).await?;
    for _ in 0..5 {
        assert_eq!(ada.rpc("send_message", send(first)).await?, stored);
    }
    ada.rpc("send_message", send(Uuid::new_v4())).await?;
    ada.rpc("send_message", send(Uuid::new_v4())).await?;
    let call = ada.rpc("send_message", send(Uuid::new_v4()));
    database.refuses(ErrorCode::RateLimited, call).await?;
    assert_eq!(ada.rpc("send_message", send(first)).await?, stored);
    Ok(())
}

#[tokio::test]
async fn a_clock_that_was_set_back_does_not_silence_anybody() -> Result<()> {
    let (database, session) = limited().await?;
    database
        .change("update stream.stream_sessions set slow_mode_ms = 5000")
        .await?;
    let ada = database.viewer(session, demo::ADA).await?;
    send_message(&ada, session, "before").await?;
    database.pass_time(session, -3600).await?;
    send_message(&ada, session, "after").await?;
    database
        .change("update stream.stream_sessions set slow_mode_ms = 0")
        .await?;
    for _ in 0..2 {
        send_message(&ada, session, "the limit counts anew").await?;
    }
    database
        .refuses(ErrorCode::RateLimited, send_message(&ada, session, "four"))
        .await
}

#[tokio::test]
async fn leaving_and_joining_again_resets_no_limit() -> Result<()> {
    let (database, session) = limited().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    for number in 0..3 {
        send_message(&ada, session, &number.to_string()).await?;
    }
    ada.rpc("remove_viewer", json!({"session_id": session}))
        .await?;
    ada.rpc("add_viewer", json!({"session_id": session}))
        .await?;
    database
        .refuses(ErrorCode::RateLimited, send_message(&ada, session, "again"))
        .await?;
    Ok(())
}

/// Two devices of one user write at once: the row lock makes them count one after the other.
#[tokio::test]
async fn two_devices_share_one_limit() -> Result<()> {
    let (database, session) = limited().await?;
    let mut devices = Vec::new();
    for _ in 0..4 {
        devices.push(database.viewer(session, demo::ADA).await?);
    }
    let sends = devices.into_iter().map(|device| {
        tokio::spawn(async move {
            let mut stored = 0;
            for number in 0..3 {
                stored += i32::from(
                    send_message(&device, session, &number.to_string())
                        .await
                        .is_ok(),
                );
            }
            stored
        })
    });
    let mut stored = 0;
    for send in sends.collect::<Vec<_>>() {
        stored += send.await?;
    }
    assert_eq!(stored, 3);
    Ok(())
}

#[tokio::test]
async fn slow_mode_makes_viewers_wait_between_messages() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    database
        .change("update stream.stream_sessions set slow_mode_ms = 30000")
        .await?;
    let ada = database.viewer(session, demo::ADA).await?;
    send_message(&ada, session, "first").await?;
    database
        .refuses(ErrorCode::SlowMode, send_message(&ada, session, "second"))
        .await?;
    let wait = wait_of(&ada, session).await?;
    assert!((20_000..=30_000).contains(&wait), "{wait} ms");
    database.pass_time(session, 30).await?;
    send_message(&ada, session, "second").await?;
    Ok(())
}

#[tokio::test]
async fn slow_mode_spares_the_seller_and_moderators() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    database
        .change("update stream.stream_sessions set slow_mode_ms = 30000")
        .await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    database
        .change(&format!(
            "update public.users set is_moderator = true where id = '{}'",
            demo::ADA
        ))
        .await?;
    for sender in [&seller, &ada] {
        for _ in 0..3 {
            let message = send_message(sender, session, "quickly").await?;
            assert_ne!(message["seq"], Value::Null);
        }
    }
    Ok(())
}
