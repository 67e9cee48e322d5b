//! A server whose clock was set back still finds who is gone, after the usual time.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::{send_heartbeat, send_heartbeat_with};
use stream_tests::stream::{move_to, numbers, send_message};
use uuid::Uuid;

const HOUR: i64 = 3600;

/// A stream with a host and a viewer who were both just seen, swept once; then the clock goes back.
async fn watched_stream(database: &TestDatabase) -> Result<Uuid> {
    let id = database.stream_in(StreamState::Active).await?;
    send_heartbeat(&database.user(demo::SELLER).await?, id).await?;
    send_heartbeat(&database.viewer(id, demo::ADA).await?, id).await?;
    database.tick().await?;
    Ok(id)
}

#[tokio::test]
async fn a_host_is_lost_after_the_usual_timeout() -> Result<()> {
    let database = TestDatabase::create().await?;
    for jump in [30, HOUR, 400 * 24 * HOUR] {
        let id = watched_stream(&database).await?;
        database.pass_time(id, -jump).await?;
        assert!(database.sweep().await?.handled().is_empty());
        database.pass_time(id, 15).await?;
        assert!(database.sweep().await?.handled().is_empty());
        database.pass_time(id, 5).await?;
        let swept = database.sweep().await?;
        assert_eq!(swept.handled().get("host_lost"), Some(&1), "{jump} s back");
        move_to(&database.service().await?, id, StreamState::Ended).await?;
        database.sweep().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_host_that_never_sent_a_heartbeat_is_still_not_judged() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.sweep().await?;
    database.pass_time(id, -HOUR).await?;
    database.sweep().await?;
    database.pass_time(id, 100).await?;
    assert!(database.sweep().await?.handled().is_empty());
    assert_eq!(database.session_row(id).await?["host_seen_at"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn a_lost_host_has_the_usual_time_to_return() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = watched_stream(&database).await?;
    database.pass_time(id, -HOUR).await?;
    database.sweep().await?;
    database.pass_time(id, 20).await?;
    assert_eq!(database.sweep().await?.handled()["host_lost"], 1);
    let left: f64 = database
        .value(&format!(
            "select extract(epoch from reconnect_deadline - now())::float8
             from stream.stream_sessions where id = '{id}'"
        ))
        .await?;
    assert!((50.0..=60.0).contains(&left), "{left} s to return");
    database.pass_time(id, 60).await?;
    assert_eq!(database.sweep().await?.handled()["reconnect_timeout"], 1);
    Ok(())
}

#[tokio::test]
async fn a_deadline_of_before_is_not_an_hour_later_now() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = watched_stream(&database).await?;
    database.pass_time(id, 20).await?;
    assert_eq!(database.sweep().await?.handled()["host_lost"], 1);
    database.pass_time(id, -HOUR).await?;
    database.sweep().await?;
    database.pass_time(id, 60).await?;
    assert_eq!(database.sweep().await?.handled()["reconnect_timeout"], 1);
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_paused_afterwards_times_out_as_usual() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let before = database.stream_in(StreamState::Paused).await?;
    let after = database.stream_in(StreamState::Active).await?;
    database.sweep().await?;
    for id in [before, after] {
        database.pass_time(id, -2 * HOUR).await?;
    }
    // The ticker moved with each of them.
    database
        .change("update stream.ticker set swept_at = now() + interval '2 hours'")
        .await?;
    database.sweep().await?;
    move_to(&seller, after, StreamState::Paused).await?;
    for id in [before, after] {
        database.pass_time(id, 3600).await?;
    }
    assert_eq!(database.sweep().await?.handled()["paused_timeout"], 2);
    Ok(())
}

#[tokio::test]
async fn a_viewer_leaves_after_the_usual_time() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = watched_stream(&database).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    send_heartbeat_with(&ben, id, json!({"foreground": false})).await?;
    database.pass_time(id, -HOUR).await?;
    database.sweep().await?;
    database.pass_time(id, 40).await?;
    assert_eq!(database.sweep().await?.rule("viewer_leases")?["rows"], 0);
    database.pass_time(id, 5).await?;
    assert_eq!(database.sweep().await?.rule("viewer_leases")?["rows"], 2);
    for user in [demo::ADA, demo::BEN] {
        let row = database.viewer_row(id, user).await?;
        assert_eq!(row["is_active"], false);
        assert!(row["watch_ms"].as_i64() < Some(60_000), "{row}");
    }
    Ok(())
}

/// So short a step that no time is an hour ahead: nobody counts for more than a lease longer.
#[tokio::test]
async fn a_small_step_prolongs_a_lease_by_no_more_than_itself() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = watched_stream(&database).await?;
    database.pass_time(id, -40).await?;
    database.sweep().await?;
    database.pass_time(id, 85).await?;
    assert_eq!(database.sweep().await?.rule("viewer_leases")?["rows"], 1);
    Ok(())
}

#[tokio::test]
async fn a_viewer_who_keeps_the_heartbeats_stays() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = watched_stream(&database).await?;
    let ada = database.user(demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    database.pass_time(id, -HOUR).await?;
    for _ in 0..6 {
        send_heartbeat(&ada, id).await?;
        send_heartbeat(&seller, id).await?;
        database.pass_time(id, 15).await?;
        assert!(database.sweep().await?.handled().is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn the_log_never_goes_back() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = watched_stream(&database).await?;
    let ada = database.user(demo::ADA).await?;
    send_message(&ada, id, "before").await?;
    database.pass_time(id, -HOUR).await?;
    database.sweep().await?;
    send_message(&ada, id, "after").await?;
    move_to(&database.user(demo::SELLER).await?, id, StreamState::Paused).await?;
    let log = database.log(id).await?;
    assert_eq!(numbers(&log), [1, 2, 3, 4, 5]);
    let in_order: bool = database
        .value(&format!(
            "select bool_and(ahead) from (
                 select created_at > lag(created_at) over (order by seq) as ahead
                 from stream.chat_messages where session_id = '{id}') as m"
        ))
        .await?;
    assert!(in_order);
    Ok(())
}

/// A tick must not wait for an hour before it works again.
#[tokio::test]
async fn the_regular_work_goes_on() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = watched_stream(&database).await?;
    database.viewer(id, demo::BEN).await?;
    database.pass_time(id, -HOUR).await?;
    let service = database.service().await?;
    service.rpc("tick", json!({})).await?;
    assert_eq!(database.session_row(id).await?["viewer_count"], 2);
    let ticked: Value = database
        .value("select to_jsonb(t) || jsonb_build_object('is_now', ticked_at <= now() and swept_at <= now()) from stream.ticker as t")
        .await?;
    assert_eq!(ticked["is_now"], true, "{ticked}");
    Ok(())
}

/// How many streams have a host who was seen in the future.
async fn misdated(database: &TestDatabase) -> Result<i64> {
    database
        .value("select count(*) from stream.stream_sessions where host_seen_at > clock_timestamp()")
        .await
}

#[tokio::test]
async fn many_streams_are_judged_afresh_in_batches_of_several_sweeps() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change("update stream.config set sweep_batch_size = 2 where id")
        .await?;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(watched_stream(&database).await?);
    }
    for id in &ids {
        database.pass_time(*id, -HOUR).await?;
    }
    for left in [3, 1, 0, 0] {
        database.sweep().await?;
        assert_eq!(misdated(&database).await?, left);
        let goes_on: bool = database
            .value("select was_set_back from stream.ticker")
            .await?;
        assert_eq!(goes_on, left > 0);
    }
    for id in &ids {
        database.pass_time(*id, 20).await?;
    }
    let mut lost = 0;
    while let Some(swept) = database.sweep().await?.handled().get("host_lost") {
        lost += swept;
    }
    assert_eq!(lost, 5);
    Ok(())
}

/// A change of the settings looks at all streams, by a clock that is ahead.
#[tokio::test]
async fn a_look_that_was_set_ahead_comes_at_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.pass_time(id, 43_100).await?;
    database.sweep().await?;
    database
        .change(&format!(
            "update stream.stream_sessions set check_at = now() + interval '1 hour' where id = '{id}';
             update stream.ticker set swept_at = now() + interval '1 hour'"
        ))
        .await?;
    database.sweep().await?;
    database.pass_time(id, 100).await?;
    assert_eq!(database.sweep().await?.handled()["max_duration"], 1);
    Ok(())
}

/// As everywhere, the sweep waits for nobody.
#[tokio::test]
async fn a_stream_that_somebody_holds_is_judged_afresh_by_a_later_sweep() -> Result<()> {
    let database = TestDatabase::create().await?;
    let held = watched_stream(&database).await?;
    let free = watched_stream(&database).await?;
    database.pass_time(held, -HOUR).await?;
    database.pass_time(free, -HOUR).await?;
    let holder = database.connect("postgres").await?;
    holder
        .batch_execute(&format!(
            "begin; select from stream.stream_sessions where id = '{held}' for no key update"
        ))
        .await?;
    for _ in 0..2 {
        database.sweep().await?;
        assert_eq!(misdated(&database).await?, 1);
    }
    holder.batch_execute("rollback").await?;
    database.sweep().await?;
    assert_eq!(misdated(&database).await?, 0);
    Ok(())
}
