//! Sending a message a second time: a client that lost the answer makes no duplicate, and nobody a hole.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stream::{move_to, send_message};
use tokio_postgres::Error;
use uuid::Uuid;

async fn send(caller: &Session, session: Uuid, id: Uuid, content: &str) -> Result<Value, Error> {
    caller
        .rpc("send_message", message(session, id, content))
        .await
}

fn message(session: Uuid, id: Uuid, content: &str) -> Value {
    json!({"session_id": session, "user_id": null, "content": content, "id": id})
}

#[tokio::test]
async fn a_retry_gets_the_stored_message_and_changes_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let id = Uuid::new_v4();
    let first = send(&ada, session, id, "hello").await?;
    for content in ["hello", "another text"] {
        let before = database.log(session).await?;
        assert_eq!(send(&ada, session, id, content).await?, first);
        assert_eq!(database.log(session).await?, before);
    }
    let next = send_message(&ada, session, "next").await?;
    assert_eq!(
        next["seq"].as_i64(),
        first["seq"].as_i64().map(|seq| seq + 1)
    );
    Ok(())
}

#[tokio::test]
async fn a_retry_broadcasts_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let id = Uuid::new_v4();
    send(&ada, session, id, "hello").await?;
    let frames = database.frames(session).await?;
    send(&ada, session, id, "hello").await?;
    assert_eq!(database.frames(session).await?, frames);
    Ok(())
}

#[tokio::test]
async fn a_retry_is_answered_after_the_end_too() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let id = Uuid::new_v4();
    let first = send(&ada, session, id, "hello").await?;
    move_to(&seller, session, StreamState::Ended).await?;

    let again = database
        .changes_nothing(send(&ada, session, id, "hello"))
        .await?;
    assert_eq!(again, first);
    let other = send(&seller, session, id, "hello");
    database
        .refuses(ErrorCode::MessageIdConflict, other)
        .await?;
    let new = send(&ada, session, Uuid::new_v4(), "hello");
    database.refuses(ErrorCode::StreamEnded, new).await?;
    Ok(())
}

#[tokio::test]
async fn a_retry_is_answered_after_its_sender_left() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let id = Uuid::new_v4();
    let first = send(&ada, session, id, "hello").await?;
    ada.rpc("remove_viewer", json!({"session_id": session}))
        .await?;

    assert_eq!(send(&ada, session, id, "hello").await?, first);
    let new = send(&ada, session, Uuid::new_v4(), "hello");
    database.refuses(ErrorCode::NotViewer, new).await?;
    Ok(())
}

#[tokio::test]
async fn the_id_of_another_users_message_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let ben = database.viewer(session, demo::BEN).await?;
    let id = Uuid::new_v4();
    send(&ada, session, id, "hello").await?;
    let call = send(&ben, session, id, "hello");
    database.refuses(ErrorCode::MessageIdConflict, call).await?;
    Ok(())
}

#[tokio::test]
async fn the_id_of_a_system_message_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let log = database.log(session).await?;
    let id = Uuid::parse_str(log[0]["id"].as_str().unwrap())?;
    let call = send(&seller, session, id, "hello");
    database.refuses(ErrorCode::MessageIdConflict, call).await?;
    Ok(())
}

#[tokio::test]
async fn the_same_id_is_free_in_another_stream() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = Uuid::new_v4();
    for _ in 0..2 {
        let session = database.stream_in(StreamState::Active).await?;
        assert_eq!(send(&seller, session, id, "hello").await?["seq"], 3);
    }
    Ok(())
}

/// The first send is not committed yet when its retry arrives on another connection.
#[tokio::test]
async fn a_retry_that_overtakes_its_answer_finds_the_one_message() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let first = database.viewer(session, demo::ADA).await?;
    let retry = database.user(demo::ADA).await?;
    let backend = retry.backend().await?;
    let id = Uuid::new_v4();

    first.begin().await?;
    let sent = first
        .rpc_within("send_message", message(session, id, "hello"))
        .await?;
    let waiting = tokio::spawn(async move { send(&retry, session, id, "hello").await });
    wait_until_blocked(&database.owner, backend).await?;
    first.commit().await?;

    assert_eq!(waiting.await??, sent);
    assert_dense(&database, session, 3).await
}

#[tokio::test]
async fn a_retry_takes_the_place_of_a_send_that_was_rolled_back() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let first = database.viewer(session, demo::ADA).await?;
    let retry = database.user(demo::ADA).await?;
    let backend = retry.backend().await?;
    let id = Uuid::new_v4();

    first.begin().await?;
    let lost = first
        .rpc_within("send_message", message(session, id, "hello"))
        .await?;
    let waiting = tokio::spawn(async move { send(&retry, session, id, "hello").await });
    wait_until_blocked(&database.owner, backend).await?;
    first.rollback().await?;

    assert_eq!(waiting.await??["seq"], lost["seq"]);
    assert_dense(&database, session, 3).await
}

async fn assert_dense(database: &TestDatabase, session: Uuid, length: i64) -> Result<()> {
    let log = database.log(session).await?;
    let numbers: Vec<i64> = log
        .iter()
        .filter_map(|entry| entry["seq"].as_i64())
        .collect();
    assert_eq!(numbers, (1..=length).collect::<Vec<_>>());
    let head: i64 = database
        .value("select last_seq from stream.chat_heads")
        .await?;
    assert_eq!(head, length);
    Ok(())
}
