//! Bans that meet a join, a token, a heartbeat or the deletion of their user.

use anyhow::Result;
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::buyer_token;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::refusal::expect_refusal;
use stream_tests::stream::send_message;

use super::{against, is_active, waits, within};

#[tokio::test]
async fn a_join_that_waited_for_the_ban_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    // The first join, and one that comes back.
    database.viewer(id, demo::BEN).await?;
    for user in [demo::ADA, demo::BEN] {
        within(&seller, "ban_user", against(id, user)).await?;
        let viewer = database.user(user).await?;
        let waiting = waits(&database, viewer, "add_viewer", json!({"session_id": id})).await?;
        seller.commit().await?;
        expect_refusal(ErrorCode::Banned, waiting.await?)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_ban_that_waited_for_the_join_ends_the_place() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    within(&ada, "add_viewer", json!({"session_id": id})).await?;
    let seller = database.user(demo::SELLER).await?;
    let waiting = waits(&database, seller, "ban_user", against(id, demo::ADA)).await?;
    ada.commit().await?;
    waiting.await??;
    assert!(!is_active(&database, id, demo::ADA).await?);
    expect_refusal(ErrorCode::Banned, send_heartbeat(&ada, id).await)
}

/// The statement that waits has read the lease as it was before the ban.
#[tokio::test]
async fn a_token_that_waited_for_the_ban_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    within(&seller, "ban_user", against(id, demo::ADA)).await?;
    let arguments = json!({"buyer_id": null, "channel_id": id});
    let waiting = waits(&database, ada, "generate_buyer_token", arguments).await?;
    seller.commit().await?;
    expect_refusal(ErrorCode::Banned, waiting.await?)?;
    let tokens: i64 = database
        .value("select count(*) from stream.agora_tokens")
        .await?;
    assert_eq!(tokens, 0);
    Ok(())
}

#[tokio::test]
async fn a_ban_that_waited_for_a_token_retires_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    buyer_token(&ada, id).await?;
    let arguments = json!({"buyer_id": null, "channel_id": id});
    within(&ada, "generate_buyer_token", arguments).await?;
    let seller = database.user(demo::SELLER).await?;
    let waiting = waits(&database, seller, "ban_user", against(id, demo::ADA)).await?;
    ada.commit().await?;
    waiting.await??;
    let active: i64 = database
        .value("select count(*) from stream.agora_tokens where is_active")
        .await?;
    assert_eq!(active, 0);
    Ok(())
}

#[tokio::test]
async fn a_heartbeat_beside_a_ban_prolongs_nothing_and_the_next_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    within(&seller, "ban_user", against(id, demo::ADA)).await?;
    let arguments = json!({"session_id": id});
    assert_eq!(
        ada.rpc("heartbeat", arguments.clone()).await?["status"],
        "ok"
    );
    seller.commit().await?;
    assert!(!is_active(&database, id, demo::ADA).await?);
    expect_refusal(ErrorCode::Banned, ada.rpc("heartbeat", arguments).await)
}

/// The deletion of a user holds their row when it comes for the viewer's and the restriction's.
#[tokio::test]
async fn the_deletion_of_a_user_and_a_ban_of_theirs_never_deadlock() -> Result<()> {
    for was_banned in [false, true] {
        let database = TestDatabase::create().await?;
        let id = database.stream_in(StreamState::Active).await?;
        let target = database.add_user("target").await?;
        send_message(&database.viewer(id, target).await?, id, "hi").await?;
        let seller = database.user(demo::SELLER).await?;
        if was_banned {
            let short = json!({"session_id": id, "user_id": target, "duration_s": 60});
            seller.rpc("ban_user", short).await?;
        }
        within(&seller, "ban_user", against(id, target)).await?;
        let deleter = database.connect("postgres").await?;
        let row = deleter.query_one("select pg_backend_pid()", &[]).await?;
        let backend: i32 = row.get(0);
        let delete = format!("delete from auth.users where id = '{target}'");
        let deleting = tokio::spawn(async move { deleter.batch_execute(&delete).await });
        wait_until_blocked(&database.owner, backend).await?;
        seller.commit().await?;
        deleting.await??;
        let left: i64 = database
            .value("select count(*) from stream.chat_restrictions")
            .await?;
        assert_eq!(left, 0);
    }
    Ok(())
}

/// A ban of a user who is being deleted waits for that with nothing that the deletion needs.
#[tokio::test]
async fn a_ban_that_waited_for_the_deletion_of_the_user_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let target = database.add_user("target").await?;
    database.viewer(id, target).await?;
    let mut deleter = database.connect("postgres").await?;
    let transaction = deleter.transaction().await?;
    transaction
        .batch_execute(&format!(
            "select from auth.users where id = '{target}' for update"
        ))
        .await?;
    let seller = database.user(demo::SELLER).await?;
    let waiting = waits(&database, seller, "ban_user", against(id, target)).await?;
    transaction
        .batch_execute(&format!("delete from auth.users where id = '{target}'"))
        .await?;
    transaction.commit().await?;
    expect_refusal(ErrorCode::InvalidArgument, waiting.await?)
}
