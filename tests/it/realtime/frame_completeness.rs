//! The frames of a log hold all of it, in pieces of a limited size.

use anyhow::Result;
use serde_json::json;
use stream_core::frame::{MAX_BYTES, MAX_ENTRIES};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::{move_to, numbers, send_message};
use uuid::Uuid;

/// Feature: streaming-realtime-fixes, Property 6: For any chat message sent by any participant,
/// the Chat_Service should broadcast it to all participants immediately, and the Chat_Synchronizer
/// should display all messages in chronological order regardless of network conditions
#[tokio::test]
async fn frames_follow_each_other_without_a_hole() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let mut senders = Vec::new();
    for user in [demo::ADA, demo::BEN, demo::CLEO] {
        let sender = database.viewer(id, user).await?;
        senders.push(tokio::spawn(async move {
            for number in 0..20 {
                send_message(&sender, id, &number.to_string()).await?;
            }
            Ok::<_, tokio_postgres::Error>(())
        }));
    }
    for state in [StreamState::Paused, StreamState::Active, StreamState::Error] {
        move_to(&seller, id, state).await?;
    }
    for sender in senders {
        sender.await??;
    }
    assert_complete(&database, id).await
}

/// The frames, put in order, hold the whole log, each entry once.
async fn assert_complete(database: &TestDatabase, session: Uuid) -> Result<()> {
    let log = database.log(session).await?;
    let mut frames = database.frames(session).await?;
    frames.sort_by_key(|frame| frame["from_seq"].as_i64());
    let mut sent = Vec::new();
    for frame in &frames {
        let messages = frame["messages"].as_array().unwrap();
        assert_eq!(frame["from_seq"], messages.first().unwrap()["seq"]);
        assert_eq!(frame["to_seq"], messages.last().unwrap()["seq"]);
        assert!(frame["to_seq"].as_i64() <= frame["head_seq"].as_i64());
        assert_eq!(frame["epoch"], frames[0]["epoch"]);
        sent.extend(numbers(messages));
    }
    assert_eq!(sent, numbers(&log));
    Ok(())
}

#[tokio::test]
async fn a_frame_is_cut_at_its_number_of_messages() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.start_stream().await?;
    for count in [99, 100, 101, 1250] {
        let known = database.frames(id).await?.len();
        database.append_messages(id, count, 5).await?;
        let frames = database.frames(id).await?.split_off(known);
        assert_eq!(
            frames.len(),
            usize::try_from(count)?.div_ceil(MAX_ENTRIES),
            "{count}"
        );
        for frame in &frames {
            assert!(frame["messages"].as_array().unwrap().len() <= MAX_ENTRIES);
        }
    }
    assert_complete(&database, id).await
}

#[tokio::test]
async fn a_frame_is_cut_at_its_size() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.start_stream().await?;
    database.append_messages(id, 300, 2000).await?;
    let frames = database.frames(id).await?.split_off(1);
    assert!(frames.len() >= 5, "only {} frames", frames.len());
    for frame in &frames {
        let bytes: usize = frame["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message.to_string().len())
            .sum();
        assert!(bytes <= MAX_BYTES, "{bytes} bytes");
    }
    assert_complete(&database, id).await
}

#[tokio::test]
async fn a_rolled_back_message_is_not_broadcast() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    seller.begin().await?;
    let arguments = json!({"session_id": id, "user_id": null, "content": "never mind"});
    seller.rpc_within("send_message", arguments).await?;
    seller.rollback().await?;
    assert_eq!(database.frames(id).await?.len(), 2);
    send_message(&seller, id, "hello").await?;
    assert_complete(&database, id).await
}
