//! The broadcast of each change to Realtime's subscribers.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::realtime::Broadcast;
use stream_tests::stream::send_message;
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
            "select count(*) from realtime.messages where topic not like '%:{id}' and topic <> 'live'"
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
    let stored = send_message(&ada, id, "hello").await?;
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
            "digest",
            "epoch",
            "from_seq",
            "head_seq",
            "messages",
            "poll_ms",
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
