//! Ticks flush the tails of logs, which no frame carries yet: long ones, those that Realtime's own function
//! writes, and those of streams, users and epochs that are gone.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::{move_to, send_message};

#[tokio::test]
async fn a_long_tail_goes_out_in_full_frames_by_one_tick() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    database.leave_unflushed(session, 1248).await?;
    database.service().await?.rpc("tick", json!({})).await?;
    let frames = database.sent(session).await?;
    assert_eq!(frames.concat(), (1..=1250).collect::<Vec<_>>());
    let lengths: Vec<usize> = frames.iter().map(Vec::len).collect();
    assert_eq!(lengths, [vec![100; 12], vec![50]].concat());
    assert_eq!(database.queued_flushes().await?, 0);
    Ok(())
}

/// Realtime's own function writes where the columns are not as known.
#[tokio::test]
async fn a_tail_goes_out_by_realtimes_own_function_too() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    database.leave_unflushed(session, 128).await?;
    database
        .superuser()
        .await?
        .batch_execute("alter table realtime.messages rename column updated_at to changed_at")
        .await?;
    database.service().await?.rpc("tick", json!({})).await?;
    let frames = database.sent(session).await?;
    assert_eq!(frames.concat(), (1..=130).collect::<Vec<_>>());
    assert_eq!(database.queued_flushes().await?, 0);
    Ok(())
}

#[tokio::test]
async fn the_tail_of_a_stream_that_is_gone_vanishes() -> Result<()> {
    let database = TestDatabase::create().await?;
    let gone = database.stream_in(StreamState::Ended).await?;
    let other = database.stream_in(StreamState::Active).await?;
    database.leave_unflushed(gone, 3).await?;
    database.leave_unflushed(other, 3).await?;
    database
        .change(&format!(
            "delete from stream.stream_sessions where id = '{gone}'"
        ))
        .await?;
    assert_eq!(database.queued_flushes().await?, 2);
    database.service().await?.rpc("tick", json!({})).await?;
    assert_eq!(database.queued_flushes().await?, 0);
    assert!(database.sent(gone).await?.is_empty());
    assert_eq!(database.sent(other).await?.concat(), [1, 2, 3, 4, 5]);
    Ok(())
}

/// A restore while the ticker goes on: what it sends is of the new epoch, and without a hole.
#[tokio::test]
async fn a_tail_of_before_a_new_epoch_goes_out_under_the_new_one() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    database.leave_unflushed(session, 3).await?;
    database
        .change("update stream.config set epoch_salt = 'another' where id")
        .await?;
    let service = database.service().await?;
    service.rpc("tick", json!({})).await?;
    let state = service.rpc("sync", json!({"session_id": session})).await?;
    let frames = database.frames(session).await?;
    assert_eq!(database.sent(session).await?.concat(), [1, 2, 3, 4, 5]);
    assert_eq!(frames[0]["epoch"], state["epoch"]);
    Ok(())
}

/// The log keeps what a user wrote, without the user, also where no frame has carried it yet.
#[tokio::test]
async fn a_tail_of_a_deleted_user_goes_out_without_the_user() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let user = database.add_user("gone soon").await?;
    let viewer = database.viewer(session, user).await?;
    send_message(&viewer, session, "still here").await?;
    database.leave_unflushed(session, 1).await?;
    database
        .change(&format!("delete from auth.users where id = '{user}'"))
        .await?;
    database.service().await?.rpc("tick", json!({})).await?;
    assert_eq!(database.sent(session).await?.concat(), [1, 2, 3, 4]);
    let frame = database.frames(session).await?.remove(0);
    let message = &frame["messages"][2];
    assert_eq!(
        (&message["user_id"], &message["content"]),
        (&Value::Null, &json!("still here"))
    );
    // And the stream goes on.
    let seller = database.user(demo::SELLER).await?;
    move_to(&seller, session, StreamState::Paused).await?;
    Ok(())
}
