//! Leases of viewers, whose number is always the count.

mod refusals;

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::agora::viewer_uid;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::{send_heartbeat, send_heartbeat_with};
use stream_tests::session::Session;
use stream_tests::stream::{move_to, session_id};
use tokio::sync::Barrier;
use tokio_postgres::Error;
use uuid::Uuid;

async fn join(caller: &Session, session: Uuid) -> Result<Value, Error> {
    caller
        .rpc("add_viewer", json!({"session_id": session}))
        .await
}

async fn leave(caller: &Session, session: Uuid, join_no: Option<i64>) -> Result<Value, Error> {
    caller
        .rpc(
            "remove_viewer",
            json!({"session_id": session, "join_no": join_no}),
        )
        .await
}

/// Counted, stored and broadcast last, which must be one number once a tick has passed.
async fn count(database: &TestDatabase, session: Uuid) -> Result<i64> {
    database.tick().await?;
    let service = database.service().await?;
    let counted = service
        .rpc("get_viewer_count", json!({"session_id": session}))
        .await?;
    assert_eq!(
        database.session_row(session).await?["viewer_count"],
        counted
    );
    if let Some(last) = database
        .broadcasts(&format!("viewers:{session}"))
        .await?
        .last()
    {
        assert_eq!(last.payload["viewer_count"], counted);
    }
    Ok(counted.as_i64().unwrap())
}

#[tokio::test]
async fn joining_gives_a_place_and_counts() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    let place = join(&ada, id).await?;
    assert_eq!(place["session_id"], json!(id));
    assert_eq!(place["user_id"], json!(demo::ADA));
    assert_eq!(place["join_no"], 1);
    let uid = viewer_uid(id.as_bytes(), demo::ADA.as_bytes(), 0);
    assert_eq!(place["agora_uid"], uid);
    assert_eq!(count(&database, id).await?, 1);
    Ok(())
}

#[tokio::test]
async fn joining_again_keeps_the_place_and_raises_its_number() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    let first = join(&ada, id).await?;
    let second = join(&ada, id).await?;
    assert_eq!(second["join_no"], 2);
    for column in ["agora_uid", "joined_at"] {
        assert_eq!(second[column], first[column], "{column}");
    }
    leave(&ada, id, None).await?;
    let third = join(&ada, id).await?;
    assert_eq!(third["join_no"], 3);
    assert_eq!(third["agora_uid"], first["agora_uid"]);
    assert_ne!(third["joined_at"], first["joined_at"]);
    let rows: i64 = database
        .value("select count(*) from stream.stream_viewers")
        .await?;
    assert_eq!(rows, 1);
    assert_eq!(count(&database, id).await?, 1);
    Ok(())
}

#[tokio::test]
async fn leaving_lowers_the_count_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    assert_eq!(count(&database, id).await?, 2);
    assert_eq!(leave(&ada, id, None).await?, "removed");
    assert_eq!(count(&database, id).await?, 1);
    let again = database.changes_nothing(leave(&ada, id, None)).await?;
    assert_eq!(again, "not_joined");
    assert_eq!(leave(&ben, id, None).await?, "removed");
    assert_eq!(count(&database, id).await?, 0);
    assert_eq!(database.session_row(id).await?["peak_viewer_count"], 2);
    Ok(())
}

#[tokio::test]
async fn a_device_that_was_superseded_does_not_end_the_newer_ones_place() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    join(&ada, id).await?;
    join(&ada, id).await?;
    for stale in [0, 1, 3] {
        let answer = database
            .changes_nothing(leave(&ada, id, Some(stale)))
            .await?;
        assert_eq!(answer, "superseded");
    }
    assert_eq!(leave(&ada, id, Some(2)).await?, "removed");
    assert_eq!(count(&database, id).await?, 0);
    Ok(())
}

const CONNECTIONS: usize = 10;
const VIEWERS: usize = 50;

#[tokio::test]
async fn concurrent_joins_are_all_counted_and_have_uids_of_their_own() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let mut viewers = Vec::new();
    for number in 0..VIEWERS {
        viewers.push(database.add_user(&format!("viewer{number}")).await?);
    }
    let barrier = Arc::new(Barrier::new(CONNECTIONS));
    let mut connections = Vec::new();
    for viewers in viewers.chunks(VIEWERS / CONNECTIONS) {
        let service = database.service().await?;
        let (viewers, barrier) = (viewers.to_vec(), Arc::clone(&barrier));
        connections.push(tokio::spawn(async move {
            barrier.wait().await;
            let mut places = Vec::new();
            for viewer in viewers {
                let arguments = json!({"session_id": id, "buyer_id": viewer});
                places.push(service.rpc("add_viewer", arguments).await?);
            }
            Ok::<_, Error>(places)
        }));
    }
    let mut uids = BTreeSet::new();
    for connection in connections {
        for place in connection.await?? {
            uids.insert(place["agora_uid"].as_i64().unwrap());
        }
    }
    assert_eq!(uids.len(), VIEWERS);
    assert!(
        uids.iter()
            .all(|uid| (1_000_000..=i64::from(i32::MAX)).contains(uid))
    );
    assert_eq!(count(&database, id).await?, VIEWERS as i64);
    Ok(())
}

/// The uid that the derivation gives is somebody else's already.
#[tokio::test]
async fn a_viewer_whose_uid_is_taken_gets_the_next_one() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::BEN).await?;
    let taken = viewer_uid(id.as_bytes(), demo::ADA.as_bytes(), 0);
    database
        .change(&format!(
            "update stream.stream_viewers set agora_uid = {taken}"
        ))
        .await?;
    let ada = database.user(demo::ADA).await?;
    let place = join(&ada, id).await?;
    let next = viewer_uid(id.as_bytes(), demo::ADA.as_bytes(), 1);
    assert_eq!(place["agora_uid"], next);
    Ok(())
}

#[tokio::test]
async fn places_of_one_stream_do_not_count_in_another() -> Result<()> {
    let database = TestDatabase::create().await?;
    let first = database.stream_in(StreamState::Active).await?;
    let second = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(first, demo::ADA).await?;
    let place = join(&ada, second).await?;
    assert_eq!(place["join_no"], 1);
    let seller = database.user(demo::SELLER).await?;
    let ended = move_to(&seller, first, StreamState::Ended).await?;
    assert_eq!(session_id(&ended)?, first);
    assert_eq!(count(&database, first).await?, 0);
    assert_eq!(count(&database, second).await?, 1);
    Ok(())
}

/// What `get_viewer_count` says at a moment, without any tick.
async fn counted_now(database: &TestDatabase, session: Uuid) -> Result<Value> {
    let service = database.service().await?;
    let arguments = json!({"session_id": session});
    Ok(service.rpc("get_viewer_count", arguments).await?)
}

#[tokio::test]
async fn a_lease_that_is_over_does_not_count_before_a_sweep_comes_to_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    database.tick().await?;
    database.pass_time(id, 40).await?;
    send_heartbeat(&ben, id).await?;
    assert_eq!(counted_now(&database, id).await?, 2);
    database.pass_time(id, 5).await?;
    assert_eq!(counted_now(&database, id).await?, 1);
    // What everybody was told follows the tick.
    assert_eq!(database.session_row(id).await?["viewer_count"], 2);
    assert_eq!(count(&database, id).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_viewer_in_the_background_does_not_count_beyond_the_grace_in_spite_of_heartbeats()
-> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    for (passed, counted) in [(0, 1), (30, 1), (25, 1), (5, 0)] {
        database.pass_time(id, passed).await?;
        send_heartbeat_with(&ada, id, json!({"foreground": false})).await?;
        assert_eq!(counted_now(&database, id).await?, counted);
    }
    send_heartbeat_with(&ada, id, json!({"foreground": true})).await?;
    assert_eq!(counted_now(&database, id).await?, 1);
    Ok(())
}
