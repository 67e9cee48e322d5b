//! `new_epoch`: every client resynchronises, and nobody but the service begins one.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use uuid::Uuid;

/// Those of the topics on which a follower of the log may listen alone.
const TOPICS: [&str; 2] = ["stream", "chat"];

async fn hints(database: &TestDatabase, topic: &str, session: Uuid) -> Result<Vec<Value>> {
    let sent = database.broadcasts(&format!("{topic}:{session}")).await?;
    let hints = sent.into_iter().filter(|sent| sent.event == "resync");
    Ok(hints
        .map(|mut sent| {
            assert!(sent.payload["server_time"].is_string());
            sent.payload["server_time"] = Value::Null;
            sent.payload
        })
        .collect())
}

#[tokio::test]
async fn every_live_stream_is_told_and_a_client_of_before_gets_the_newest_page() -> Result<()> {
    let database = TestDatabase::create().await?;
    let live = database.stream_in(StreamState::Active).await?;
    let paused = database.stream_in(StreamState::Paused).await?;
    let ended = database.stream_in(StreamState::Ended).await?;
    let ada = database.viewer(live, demo::ADA).await?;
    let before = ada.rpc("sync", json!({"session_id": live})).await?;
    let service = database.service().await?;
    let mut epochs = vec![before["epoch"].clone()];
    for number in 1..=2 {
        assert_eq!(service.rpc("new_epoch", json!({})).await?, 2);
        let hint = json!({"session_id": live, "reason": "new_epoch", "server_time": null});
        for topic in TOPICS {
            let of_live = hints(&database, topic, live).await?;
            assert_eq!(of_live, vec![hint.clone(); number], "{topic}");
            assert_eq!(hints(&database, topic, paused).await?.len(), number);
            assert!(hints(&database, topic, ended).await?.is_empty());
        }
        let arguments = json!({
            "session_id": live, "after_seq": before["head_seq"], "epoch": before["epoch"],
        });
        let after = ada.rpc("sync", arguments).await?;
        assert_eq!(after["recovered"], false);
        assert_eq!(after["messages"], before["messages"]);
        // A random one: none of before comes back.
        assert!(!epochs.contains(&after["epoch"]));
        epochs.push(after["epoch"].clone());
    }
    Ok(())
}

#[tokio::test]
async fn nobody_but_the_service_begins_an_epoch() -> Result<()> {
    let database = TestDatabase::create().await?;
    for caller in [database.user(demo::SELLER).await?, database.anon().await?] {
        let call = caller.rpc("new_epoch", json!({}));
        database.refuses(ErrorCode::PermissionDenied, call).await?;
    }
    // Whoever restores a database is the owner of the tables.
    let hinted: i32 = database.value("select stream.new_epoch()").await?;
    assert_eq!(hinted, 0);
    Ok(())
}

/// A restored database has the partitions of its backup's days.
#[tokio::test]
async fn without_a_partition_the_hint_comes_late() -> Result<()> {
    let database = TestDatabase::create().await?;
    let live = database.stream_in(StreamState::Active).await?;
    database.drop_partition_of_today().await?;
    database
        .service()
        .await?
        .rpc("new_epoch", json!({}))
        .await?;
    database.bring_partition_back().await?;
    database.tick().await?;
    for topic in TOPICS {
        assert_eq!(hints(&database, topic, live).await?.len(), 1, "{topic}");
    }
    Ok(())
}
