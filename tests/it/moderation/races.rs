//! Moderation at the same time as something else.

mod bans;
mod concurrent_moderators;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::refusal::expect_refusal;
use stream_tests::session::Session;
use stream_tests::stream::{numbers, send_message};
use tokio::task::JoinHandle;
use tokio_postgres::Error;
use uuid::Uuid;

type Waiting = JoinHandle<Result<Value, Error>>;

/// Starts a call that must wait for somebody, and returns when it does.
pub async fn waits(
    database: &TestDatabase,
    caller: Session,
    function: &'static str,
    arguments: Value,
) -> Result<Waiting> {
    let backend = caller.backend().await?;
    let waiting = tokio::spawn(async move { caller.rpc(function, arguments).await });
    wait_until_blocked(&database.owner, backend).await?;
    Ok(waiting)
}

pub async fn within(caller: &Session, function: &str, arguments: Value) -> Result<Value> {
    caller.begin().await?;
    Ok(caller.rpc_within(function, arguments).await?)
}

pub fn against(session: Uuid, user: Uuid) -> Value {
    json!({"session_id": session, "user_id": user})
}

/// The log has no hole, and says what it should in this order.
pub async fn expect_events(database: &TestDatabase, session: Uuid, kinds: &[&str]) -> Result<()> {
    let log = database.log(session).await?;
    let seqs = numbers(&log);
    ensure!(seqs.iter().copied().eq(1..=log.len() as i64), "{seqs:?}");
    let found: Vec<_> = log[2..]
        .iter()
        .map(|entry| entry["metadata"]["kind"].as_str().unwrap_or("message"))
        .collect();
    ensure!(found == kinds, "{found:?}");
    Ok(())
}

pub async fn is_active(database: &TestDatabase, session: Uuid, user: Uuid) -> Result<bool> {
    let row = database.viewer_row(session, user).await?;
    row["is_active"].as_bool().context("no viewer")
}

#[tokio::test]
async fn a_message_that_waited_for_the_ban_of_its_sender_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    within(&seller, "ban_user", against(id, demo::ADA)).await?;
    let message = json!({"session_id": id, "user_id": null, "content": "hi"});
    let waiting = waits(&database, ada, "send_message", message).await?;
    seller.commit().await?;
    assert!(waiting.await?.is_err());
    expect_events(&database, id, &["user_banned"]).await
}

#[tokio::test]
async fn a_ban_waits_for_the_message_that_came_first() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let message = json!({"session_id": id, "user_id": null, "content": "hi"});
    within(&ada, "send_message", message).await?;
    let waiting = waits(&database, seller, "ban_user", against(id, demo::ADA)).await?;
    ada.commit().await?;
    waiting.await??;
    expect_events(&database, id, &["message", "user_banned"]).await
}

#[tokio::test]
async fn a_message_is_deleted_by_whoever_waited_for_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let message = Uuid::new_v4();
    let send = json!({"session_id": id, "user_id": null, "content": "hi", "id": message});
    within(&ada, "send_message", send).await?;
    let delete = json!({"session_id": id, "message_id": message});
    let waiting = waits(&database, seller, "delete_message", delete).await?;
    ada.commit().await?;
    assert_eq!(waiting.await??, "deleted");
    expect_events(&database, id, &["message", "message_deleted"]).await
}

#[tokio::test]
async fn all_messages_of_a_user_are_those_that_came_while_it_waited_too() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    send_message(&ada, id, "one").await?;
    let second = json!({"session_id": id, "user_id": null, "content": "two"});
    within(&ada, "send_message", second).await?;
    let arguments = against(id, demo::ADA);
    let waiting = waits(&database, seller, "delete_user_messages", arguments).await?;
    ada.commit().await?;
    assert_eq!(waiting.await??, 2);
    let events = database.events_after(id, 4).await?;
    assert_eq!(events[0]["up_to_seq"], 4);
    Ok(())
}

#[tokio::test]
async fn a_message_that_is_deleted_meanwhile_is_deleted_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let message = send_message(&ada, id, "hi").await?;
    let delete = json!({"session_id": id, "message_id": message["id"]});
    within(&seller, "delete_message", delete.clone()).await?;
    let waiting = waits(&database, ada, "delete_message", delete).await?;
    seller.commit().await?;
    assert_eq!(waiting.await??, "already_deleted");
    expect_events(&database, id, &["message", "message_deleted"]).await
}

#[tokio::test]
async fn moderation_that_waited_for_the_end_is_refused_and_nothing_is_logged_after_it() -> Result<()>
{
    for (function, more) in [
        ("ban_user", json!({"user_id": demo::ADA})),
        ("mute_user", json!({"user_id": demo::ADA})),
        ("set_slow_mode", json!({"interval_ms": 1000})),
    ] {
        let database = TestDatabase::create().await?;
        let id = database.stream_in(StreamState::Active).await?;
        database.viewer(id, demo::ADA).await?;
        let seller = database.user(demo::SELLER).await?;
        within(&seller, "end_stream", json!({"session_id": id})).await?;
        let (_, moderator) = database.moderator("mod").await?;
        let mut arguments = more;
        arguments["session_id"] = json!(id);
        let waiting = waits(&database, moderator, function, arguments).await?;
        seller.commit().await?;
        expect_refusal(ErrorCode::StreamEnded, waiting.await?)?;
        let log = database.log(id).await?;
        assert_eq!(
            log.last().context("no entry")?["metadata"]["state"],
            "ended"
        );
        assert!(database.decisions(id).await?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn an_end_waits_for_the_ban_that_came_first() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let (_, moderator) = database.moderator("mod").await?;
    within(&moderator, "ban_user", against(id, demo::ADA)).await?;
    let seller = database.user(demo::SELLER).await?;
    let waiting = waits(&database, seller, "end_stream", json!({"session_id": id})).await?;
    moderator.commit().await?;
    waiting.await??;
    expect_events(&database, id, &["user_banned", "state_changed"]).await
}

/// The end closes the log while the text goes.
#[tokio::test]
async fn a_deletion_that_waited_for_the_end_is_done_without_an_event() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let message = send_message(&ada, id, "hi").await?;
    let seller = database.user(demo::SELLER).await?;
    within(&seller, "end_stream", json!({"session_id": id})).await?;
    let delete = json!({"session_id": id, "message_id": message["id"]});
    let waiting = waits(&database, ada, "delete_message", delete).await?;
    seller.commit().await?;
    assert_eq!(waiting.await??, "deleted");
    expect_events(&database, id, &["message", "state_changed"]).await
}

#[tokio::test]
async fn a_mute_that_waited_for_the_sweep_of_the_one_before_is_in_force() -> Result<()> {
    for function in ["mute_user", "ban_user"] {
        let database = TestDatabase::create().await?;
        let id = database.stream_in(StreamState::Active).await?;
        let seller = database.user(demo::SELLER).await?;
        let short = json!({"session_id": id, "user_id": demo::ADA, "duration_s": 1});
        seller.rpc(function, short).await?;
        database.pass_time(id, 1).await?;
        let service = database.service().await?;
        service.begin().await?;
        service.rpc_rows_within("sweep", json!({})).await?;
        let waiting = waits(&database, seller, function, against(id, demo::ADA)).await?;
        service.commit().await?;
        waiting.await??;
        let in_force: i64 = database
            .value("select count(*) from stream.chat_restrictions where until is null")
            .await?;
        assert_eq!(in_force, 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_sweep_passes_by_a_restriction_that_is_being_prolonged() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let short = json!({"session_id": id, "user_id": demo::ADA, "duration_s": 1});
    seller.rpc("mute_user", short).await?;
    database.pass_time(id, 1).await?;
    within(&seller, "mute_user", against(id, demo::ADA)).await?;
    assert!(database.sweep().await?.handled().is_empty());
    seller.commit().await?;
    assert!(database.sweep().await?.handled().is_empty());
    let left: i64 = database
        .value("select count(*) from stream.chat_restrictions")
        .await?;
    assert_eq!(left, 1);
    Ok(())
}

#[tokio::test]
async fn of_two_moderators_who_do_the_same_one_makes_the_event() -> Result<()> {
    for (function, more, kind) in [
        ("mute_user", json!({"user_id": demo::ADA}), "user_muted"),
        ("ban_user", json!({"user_id": demo::ADA}), "user_banned"),
        ("set_slow_mode", json!({"interval_ms": 1000}), "slow_mode"),
        ("set_chat_mode", json!({"mode": "hosts"}), "chat_mode"),
    ] {
        let database = TestDatabase::create().await?;
        let id = database.stream_in(StreamState::Active).await?;
        database.viewer(id, demo::ADA).await?;
        let (_, first) = database.moderator("first").await?;
        let (_, second) = database.moderator("second").await?;
        let mut arguments = more;
        arguments["session_id"] = json!(id);
        within(&first, function, arguments.clone()).await?;
        let waiting = waits(&database, second, function, arguments).await?;
        first.commit().await?;
        waiting.await??;
        expect_events(&database, id, &[kind]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_moderator_who_is_banned_while_waiting_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let (moderator_id, moderator) = database.moderator("mod").await?;
    within(&seller, "ban_user", against(id, moderator_id)).await?;
    let slow = json!({"session_id": id, "interval_ms": 1000});
    let waiting = waits(&database, moderator, "set_slow_mode", slow).await?;
    seller.commit().await?;
    expect_refusal(ErrorCode::NotModerator, waiting.await?)?;
    expect_events(&database, id, &["user_banned"]).await
}
