//! What does each change say to Realtime's subscribers?

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::frame::{MAX_BYTES, MAX_ENTRIES};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::realtime::Broadcast;
use stream_tests::stream::{move_to, numbers, say};
use uuid::Uuid;

fn keys(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

/// Every broadcast about a session, by topic.
async fn all(database: &TestDatabase, session: Uuid) -> Result<Vec<Broadcast>> {
    let mut broadcasts = Vec::new();
    for kind in ["stream", "chat", "viewers"] {
        broadcasts.extend(database.broadcasts(&format!("{kind}:{session}")).await?);
    }
    Ok(broadcasts)
}

#[tokio::test]
async fn each_operation_sends_its_events_and_no_others() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.user(demo::ADA).await?;
    let id = database.start_stream().await?;
    let session = json!({"session_id": id});
    let hello = json!({"session_id": id, "user_id": null, "content": "hi", "id": Uuid::new_v4()});
    let mut known = all(&database, id).await?.len();
    for (caller, function, arguments, expected) in [
        (
            &seller,
            "resume_stream",
            session.clone(),
            &["stream state", "chat messages"][..],
        ),
        (&seller, "resume_stream", session.clone(), &[]),
        (
            &ada,
            "add_viewer",
            session.clone(),
            &["viewers viewer_count"],
        ),
        (&ada, "add_viewer", session.clone(), &[]),
        (&ada, "send_message", hello.clone(), &["chat messages"]),
        (&ada, "send_message", hello, &[]),
        (
            &seller,
            "generate_seller_token",
            json!({"seller_id": null, "channel_id": id}),
            &[],
        ),
        (&seller, "sync", session.clone(), &[]),
        (
            &ada,
            "remove_viewer",
            session.clone(),
            &["viewers viewer_count"],
        ),
        (&ada, "remove_viewer", session.clone(), &[]),
        (
            &ada,
            "add_viewer",
            session.clone(),
            &["viewers viewer_count"],
        ),
        (
            &seller,
            "end_stream",
            session,
            &["stream state", "chat messages", "viewers viewer_count"],
        ),
    ] {
        caller.rpc(function, arguments).await?;
        database.tick().await?;
        let broadcasts = all(&database, id).await?;
        let mut sent = broadcasts_by_topic(&broadcasts);
        assert_eq!(sent.len() - known, expected.len(), "{function}");
        known = sent.len();
        for event in expected {
            let place = sent.iter().position(|name| name == event);
            assert!(place.is_some(), "{function} sends {event}");
            sent.remove(place.unwrap_or_default());
        }
    }
    Ok(())
}

fn broadcasts_by_topic(broadcasts: &[Broadcast]) -> Vec<String> {
    broadcasts
        .iter()
        .map(|sent| {
            let kind = sent.topic.split(':').next().unwrap_or_default();
            format!("{kind} {}", sent.event)
        })
        .collect()
}

#[tokio::test]
async fn every_broadcast_is_private_and_an_object() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    database.tick().await?;
    let broadcasts = all(&database, id).await?;
    assert_eq!(broadcasts.len(), 4);
    for sent in broadcasts {
        assert!(sent.private);
        assert_eq!(sent.extension, "broadcast");
        assert!(sent.payload.is_object());
        assert_eq!(sent.payload["session_id"], json!(id));
    }
    let stray: i64 = database
        .value(&format!(
            "select count(*) from realtime.messages where topic not like '%:{id}'"
        ))
        .await?;
    assert_eq!(stray, 0);
    Ok(())
}

#[tokio::test]
async fn a_state_event_says_what_changed_and_why() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    seller
        .rpc(
            "pause_stream",
            json!({"session_id": id, "reason": "coffee"}),
        )
        .await?;
    let sent = database
        .broadcasts(&format!("stream:{id}"))
        .await?
        .pop()
        .unwrap();
    assert_eq!(sent.event, "state");
    let mut payload = sent.payload;
    assert!(payload["server_time"].is_string());
    payload.as_object_mut().unwrap().remove("server_time");
    assert_eq!(
        payload,
        json!({
            "session_id": id, "seq": 3, "state": "paused", "previous_state": "active",
            "reason": "coffee", "generation": 1, "host_uid": 1, "reconnect_deadline": null,
        })
    );
    Ok(())
}

#[tokio::test]
async fn a_viewer_count_carries_the_peak() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    database.tick().await?;
    ben.rpc("remove_viewer", json!({"session_id": id})).await?;
    database.tick().await?;
    let sent = database
        .broadcasts(&format!("viewers:{id}"))
        .await?
        .pop()
        .unwrap();
    assert_eq!(sent.event, "viewer_count");
    assert_eq!(
        keys(&sent.payload),
        BTreeSet::from(["peak", "server_time", "session_id", "viewer_count"])
    );
    assert_eq!(sent.payload["viewer_count"], 1);
    assert_eq!(sent.payload["peak"], 2);
    Ok(())
}

#[tokio::test]
async fn a_frame_carries_its_messages_and_their_place_in_the_log() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let stored = say(&ada, id, "hello").await?;
    let epoch = ada.rpc("sync", json!({"session_id": id})).await?["epoch"].clone();

    let sent = database
        .broadcasts(&format!("chat:{id}"))
        .await?
        .pop()
        .unwrap();
    assert_eq!(sent.event, "messages");
    let frame = sent.payload;
    assert_eq!(
        keys(&frame),
        BTreeSet::from([
            "epoch",
            "from_seq",
            "head_seq",
            "messages",
            "server_time",
            "session_id",
            "to_seq",
            "v",
        ])
    );
    assert_eq!(frame["v"], 1);
    assert_eq!(frame["epoch"], epoch);
    for key in ["from_seq", "to_seq", "head_seq"] {
        assert_eq!(frame[key], 3, "{key}");
    }
    let message = &frame["messages"][0];
    assert_eq!(
        keys(message),
        BTreeSet::from([
            "content",
            "created_at",
            "deleted_at",
            "id",
            "message_type",
            "metadata",
            "seq",
            "user_id",
            "username",
        ])
    );
    for key in keys(message) {
        assert_eq!(message[key], stored[key], "{key}");
    }
    Ok(())
}

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
                say(&sender, id, &number.to_string()).await?;
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
    say(&seller, id, "hello").await?;
    assert_complete(&database, id).await
}
