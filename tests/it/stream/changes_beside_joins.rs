//! Changes of a stream while viewers keep joining. One join is under way when the change is asked for, and the
//! next one comes before that is done: it has to queue behind the change.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::refusal::expect_refusal;
use stream_tests::session::Session;
use tokio_postgres::Error;
use uuid::Uuid;

/// Lets the call wait for a join, and another join for the call; returns what became of both.
async fn between_two_joins(
    database: &TestDatabase,
    session: Uuid,
    caller: Session,
    function: &'static str,
    arguments: Value,
) -> Result<(Value, Result<Value, Error>)> {
    // Nobody waits longer than a moment, which must not end before the second join comes.
    database.let_gate_waits_last().await?;
    let join = json!({"session_id": session});
    let before = database.user(demo::ADA).await?;
    before.begin().await?;
    before.rpc_within("add_viewer", join.clone()).await?;

    let backend = caller.backend().await?;
    let change = tokio::spawn(async move { caller.rpc(function, arguments).await });
    wait_until_blocked(&database.owner, backend).await?;

    let after = database.user(demo::BEN).await?;
    let backend = after.backend().await?;
    let joined = tokio::spawn(async move { after.rpc("add_viewer", join).await });
    wait_until_blocked(&database.owner, backend).await?;

    before.commit().await?;
    Ok((change.await??, joined.await?))
}

#[tokio::test]
async fn the_end_of_a_stream_comes_before_later_joins() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let end = json!({"session_id": id});
    let (_, later) = between_two_joins(&database, id, seller, "end_stream", end).await?;
    expect_refusal(ErrorCode::StreamEnded, later)
}

#[tokio::test]
async fn the_heartbeat_of_the_host_comes_before_later_joins() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let heartbeat = json!({"session_id": id});
    let (renewed, later) = between_two_joins(&database, id, seller, "heartbeat", heartbeat).await?;
    assert_eq!(renewed["status"], "ok");
    later?;
    Ok(())
}

#[tokio::test]
async fn a_takeover_comes_before_later_joins() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let start = json!({"auction_id": demo::AUCTION});
    let started = seller.rpc("start_stream", start.clone()).await?;
    let id = stream_tests::stream::session_id(&started)?;
    let (taken, later) = between_two_joins(&database, id, seller, "start_stream", start).await?;
    assert_eq!(taken["generation"], 2);
    later?;
    Ok(())
}

#[tokio::test]
async fn the_count_of_a_tick_comes_before_later_joins() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::CLEO).await?;
    let service = database.service().await?;
    let (_, later) = between_two_joins(&database, id, service, "tick", json!({})).await?;
    later?;
    // The join that the tick waited for is counted too.
    assert_eq!(database.session_row(id).await?["viewer_count"], 2);
    Ok(())
}

#[tokio::test]
async fn the_end_by_a_sweep_comes_before_later_joins() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Paused).await?;
    database.pass_time(id, 3700).await?;
    let service = database.service().await?;
    let (_, later) = between_two_joins(&database, id, service, "sweep", json!({})).await?;
    expect_refusal(ErrorCode::StreamEnded, later)
}

/// One transaction that stays open must not hold up the work for all the other streams.
#[tokio::test]
async fn the_regular_work_waits_for_a_join_a_moment_only() -> Result<()> {
    let database = TestDatabase::create().await?;
    let held = database.stream_in(StreamState::Paused).await?;
    let other = database.stream_in(StreamState::Paused).await?;
    for id in [held, other] {
        database.viewer(id, demo::BEN).await?;
        database.pass_time(id, 3700).await?;
    }
    let ada = database.user(demo::ADA).await?;
    ada.begin().await?;
    ada.rpc_within("add_viewer", json!({"session_id": held}))
        .await?;
    database.tick().await?;
    assert_eq!(database.session_row(held).await?["state"], "paused");
    assert_eq!(database.session_row(other).await?["state"], "ended");
    ada.commit().await?;
    database.tick().await?;
    assert_eq!(database.session_row(held).await?["state"], "ended");
    Ok(())
}

/// A viewer's heartbeat needs no turn: it changes nothing of the stream.
#[tokio::test]
async fn viewers_beat_beside_joins_and_changes() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    let seller = database.user(demo::SELLER).await?;
    seller.begin().await?;
    seller
        .rpc_within("pause_stream", json!({"session_id": id}))
        .await?;
    assert_eq!(send_heartbeat(&ben, id).await?["state"], "active");
    seller.commit().await?;
    Ok(())
}
