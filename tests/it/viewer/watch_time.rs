//! Watch time of a viewer over several joins.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::session::Session;
use uuid::Uuid;

/// What a slow machine may add to a time that is measured over a few calls.
const SLACK_MS: i64 = 5_000;

async fn join(viewer: &Session, session: Uuid) -> Result<()> {
    viewer
        .rpc("add_viewer", json!({"session_id": session}))
        .await?;
    Ok(())
}

async fn leave(viewer: &Session, session: Uuid) -> Result<()> {
    viewer
        .rpc("remove_viewer", json!({"session_id": session}))
        .await?;
    Ok(())
}

/// Fails unless that much was stored for ada.
async fn assert_watched(database: &TestDatabase, session: Uuid, seconds: i64) -> Result<()> {
    let watched = database.viewer_row(session, demo::ADA).await?["watch_ms"].clone();
    let watched = watched.as_i64().unwrap_or(-1);
    let expected = seconds * 1000..=seconds * 1000 + SLACK_MS;
    assert!(expected.contains(&watched), "{watched} ms, not {seconds} s");
    Ok(())
}

#[tokio::test]
async fn times_of_several_visits_add_up_and_the_pauses_do_not_count() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    join(&ada, id).await?;
    assert_watched(&database, id, 0).await?;
    database.pass_time(id, 30).await?;
    leave(&ada, id).await?;
    assert_watched(&database, id, 30).await?;
    database.pass_time(id, 1000).await?;
    join(&ada, id).await?;
    database.pass_time(id, 20).await?;
    leave(&ada, id).await?;
    leave(&ada, id).await?;
    assert_watched(&database, id, 50).await
}

#[tokio::test]
async fn a_second_device_does_not_count_twice() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    join(&ada, id).await?;
    database.pass_time(id, 20).await?;
    join(&ada, id).await?;
    database.pass_time(id, 20).await?;
    leave(&ada, id).await?;
    assert_watched(&database, id, 40).await
}

#[tokio::test]
async fn a_lease_that_ran_out_counts_to_the_last_heartbeat() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    join(&ada, id).await?;
    database.pass_time(id, 30).await?;
    send_heartbeat(&ada, id).await?;
    database.pass_time(id, 500).await?;
    database.sweep().await?;
    assert_watched(&database, id, 30).await?;
    join(&ada, id).await?;
    database.pass_time(id, 10).await?;
    leave(&ada, id).await?;
    assert_watched(&database, id, 40).await
}

#[tokio::test]
async fn the_end_of_the_stream_ends_the_watching() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    join(&ada, id).await?;
    database.pass_time(id, 40).await?;
    let service = database.service().await?;
    service.rpc("end_stream", json!({"session_id": id})).await?;
    assert_watched(&database, id, 40).await?;
    database.pass_time(id, 500).await?;
    database.sweep().await?;
    assert_watched(&database, id, 40).await
}

#[tokio::test]
async fn the_list_of_viewers_counts_the_present_visit_too() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    join(&ada, id).await?;
    database.pass_time(id, 30).await?;
    leave(&ada, id).await?;
    join(&ada, id).await?;
    database.pass_time(id, 30).await?;
    let seller = database.user(demo::SELLER).await?;
    let listed = seller.rpc("get_viewers", json!({"session_id": id})).await?;
    let watched = listed["watch_ms"].as_i64().unwrap_or(-1);
    assert!((60_000..=60_000 + SLACK_MS).contains(&watched), "{watched}");
    assert_watched(&database, id, 30).await
}
