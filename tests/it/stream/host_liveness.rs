//! Loss and return of a host, and the deadline for it.

mod reconnect_windows;

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::{send_heartbeat, send_heartbeat_with};
use stream_tests::stream::{move_to, session_id};
use uuid::Uuid;

/// Defaults of `stream.config`, in seconds.
const HOST_TIMEOUT: i64 = 20;
const WINDOW: i64 = 60;

async fn state(database: &TestDatabase, session: Uuid) -> Result<String> {
    let row = database.session_row(session).await?;
    Ok(row["state"].as_str().unwrap_or_default().to_owned())
}

/// A stream whose host has been seen and is then missed for so long, swept.
async fn missed_for(database: &TestDatabase, from: StreamState, seconds: i64) -> Result<Uuid> {
    let id = database.stream_in(from).await?;
    send_heartbeat(&database.user(demo::SELLER).await?, id).await?;
    database.pass_time(id, seconds).await?;
    database.sweep().await?;
    Ok(id)
}

#[tokio::test]
async fn a_host_that_never_sent_a_heartbeat_is_not_judged() -> Result<()> {
    let database = TestDatabase::create().await?;
    for (from, seconds) in [
        (StreamState::Initializing, 290),
        (StreamState::Active, 40_000),
    ] {
        let id = database.stream_in(from).await?;
        database.pass_time(id, seconds).await?;
        assert!(database.sweep().await?.handled().is_empty());
        assert_eq!(state(&database, id).await?, from.as_str());
    }
    Ok(())
}

#[tokio::test]
async fn a_host_that_keeps_its_heartbeats_is_not_lost() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    for _ in 0..5 {
        let answer = send_heartbeat(&seller, id).await?;
        assert_eq!(answer["status"], "ok");
        assert_eq!(answer["state"], "active");
        assert_eq!(answer["reconnect_deadline"], Value::Null);
        database.pass_time(id, HOST_TIMEOUT - 5).await?;
        assert!(database.sweep().await?.handled().is_empty());
    }
    assert_eq!(database.log(id).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_host_is_lost_after_the_timeout_and_everybody_is_told_until_when_it_can_return()
-> Result<()> {
    let database = TestDatabase::create().await?;
    for from in [StreamState::Initializing, StreamState::Active] {
        let id = missed_for(&database, from, HOST_TIMEOUT).await?;
        let row = database.session_row(id).await?;
        assert_eq!(row["state"], "error");
        assert_eq!(row["state_reason"], "host_lost");
        assert_eq!(row["state_before_error"], from.as_str());
        let window: f64 = database
            .value(&format!(
                "select extract(epoch from reconnect_deadline - state_changed_at)::float8
                 from stream.stream_sessions where id = '{id}'"
            ))
            .await?;
        assert_eq!(window, WINDOW as f64);

        let told = database.state_events(id).await?.pop().unwrap();
        assert_eq!(told["state"], "error");
        assert_eq!(told["previous_state"], from.as_str());
        assert_eq!(told["reason"], "host_lost");
        assert_eq!(told["reconnect_deadline"], row["reconnect_deadline"]);
        let logged = database.log(id).await?.pop().unwrap();
        assert_eq!(logged["seq"], told["seq"]);
        assert_eq!(logged["metadata"]["reason"], "host_lost");
    }
    Ok(())
}

#[tokio::test]
async fn a_host_that_returns_before_the_deadline_goes_on_where_it_was() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    for from in [StreamState::Initializing, StreamState::Active] {
        let id = missed_for(&database, from, HOST_TIMEOUT).await?;
        database.pass_time(id, WINDOW - 5).await?;
        assert!(database.sweep().await?.handled().is_empty());

        let answer = send_heartbeat(&seller, id).await?;
        assert_eq!(answer["state"], from.as_str());
        assert_eq!(answer["reconnect_deadline"], Value::Null);
        let row = database.session_row(id).await?;
        assert_eq!(row["state"], from.as_str());
        assert_eq!(row["state_reason"], "host_returned");
        assert_eq!(row["reconnect_deadline"], Value::Null);
        let told = database.state_events(id).await?.pop().unwrap();
        assert_eq!(told["state"], from.as_str());
        assert_eq!(told["reason"], "host_returned");

        // It is watched as before.
        database.pass_time(id, HOST_TIMEOUT - 5).await?;
        assert!(database.sweep().await?.handled().is_empty());
        database.pass_time(id, 5).await?;
        assert_eq!(database.sweep().await?.handled()["host_lost"], 1);
        assert_eq!(state(&database, id).await?, "error");
    }
    Ok(())
}

#[tokio::test]
async fn after_the_deadline_there_is_no_way_back_and_the_next_sweep_ends_the_stream() -> Result<()>
{
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = missed_for(&database, StreamState::Active, HOST_TIMEOUT).await?;
    database.pass_time(id, WINDOW).await?;
    let entries = database.log(id).await?.len();
    let answer = send_heartbeat(&seller, id).await?;
    assert_eq!(answer["state"], "error");
    assert_eq!(state(&database, id).await?, "error");
    assert_eq!(database.log(id).await?.len(), entries);

    assert_eq!(database.sweep().await?.handled()["reconnect_timeout"], 1);
    let row = database.session_row(id).await?;
    assert_eq!(row["state"], "ended");
    assert_eq!(row["state_reason"], "reconnect_timeout");
    database
        .refuses(ErrorCode::StreamEnded, send_heartbeat(&seller, id))
        .await
}

#[tokio::test]
async fn a_paused_host_is_not_judged_and_resuming_is_a_sign_of_life() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    send_heartbeat(&seller, id).await?;
    move_to(&seller, id, StreamState::Paused).await?;
    database.pass_time(id, 3000).await?;
    assert!(database.sweep().await?.handled().is_empty());
    // A heartbeat changes nothing about that.
    assert_eq!(send_heartbeat(&seller, id).await?["state"], "paused");
    database.pass_time(id, 500).await?;
    assert!(database.sweep().await?.handled().is_empty());

    move_to(&seller, id, StreamState::Active).await?;
    assert!(database.sweep().await?.handled().is_empty());
    database.pass_time(id, HOST_TIMEOUT - 5).await?;
    assert!(database.sweep().await?.handled().is_empty());
    database.pass_time(id, 5).await?;
    assert_eq!(database.sweep().await?.handled()["host_lost"], 1);
    Ok(())
}

#[tokio::test]
async fn resuming_does_not_start_the_judging_of_a_host_without_heartbeats() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Paused).await?;
    move_to(&seller, id, StreamState::Active).await?;
    database.pass_time(id, 10 * HOST_TIMEOUT).await?;
    assert!(database.sweep().await?.handled().is_empty());
    Ok(())
}

#[tokio::test]
async fn the_seller_or_the_service_resumes_a_lost_stream_without_a_heartbeat() -> Result<()> {
    let database = TestDatabase::create().await?;
    for caller in [
        database.user(demo::SELLER).await?,
        database.service().await?,
    ] {
        let id = missed_for(&database, StreamState::Active, HOST_TIMEOUT).await?;
        let resumed = move_to(&caller, id, StreamState::Active).await?;
        assert_eq!(resumed["reconnect_deadline"], Value::Null);
        database.pass_time(id, HOST_TIMEOUT - 5).await?;
        assert!(database.sweep().await?.handled().is_empty());
        move_to(&caller, id, StreamState::Ended).await?;
        database.sweep().await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_older_or_unknown_generation_is_refused_and_changes_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    take_over(&database, id).await?;
    let answer = send_heartbeat_with(&seller, id, json!({"generation": 2})).await?;
    assert_eq!(answer["generation"], 2);
    assert_eq!(answer["host_uid"], 2);
    for stale in [1, 0, 3] {
        let call = send_heartbeat_with(&seller, id, json!({"generation": stale}));
        database.refuses(ErrorCode::StaleHost, call).await?;
    }
    Ok(())
}

async fn take_over(database: &TestDatabase, session: Uuid) -> Result<()> {
    let auction = database.session_row(session).await?["auction_id"].clone();
    let seller = database.user(demo::SELLER).await?;
    let taken = seller
        .rpc("start_stream", json!({"auction_id": auction}))
        .await?;
    assert_eq!(session_id(&taken)?, session);
    Ok(())
}

/// The old phone wakes up after the new one took the stream over and lost its network.
#[tokio::test]
async fn a_device_that_was_taken_over_from_neither_keeps_a_stream_alive_nor_brings_it_back()
-> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    send_heartbeat_with(&seller, id, json!({"generation": 1})).await?;
    take_over(&database, id).await?;
    send_heartbeat_with(&seller, id, json!({"generation": 2})).await?;
    database.pass_time(id, HOST_TIMEOUT).await?;
    let old = send_heartbeat_with(&seller, id, json!({"generation": 1}));
    database.refuses(ErrorCode::StaleHost, old).await?;
    assert_eq!(database.sweep().await?.handled()["host_lost"], 1);
    let old = send_heartbeat_with(&seller, id, json!({"generation": 1}));
    database.refuses(ErrorCode::StaleHost, old).await?;

    take_over(&database, id).await?;
    let newest = send_heartbeat_with(&seller, id, json!({"generation": 3})).await?;
    assert_eq!(newest["state"], "active");
    Ok(())
}

#[tokio::test]
async fn a_takeover_before_the_deadline_brings_a_lost_host_back() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.refuse_second_updates().await?;
    for from in [StreamState::Initializing, StreamState::Active] {
        let id = missed_for(&database, from, HOST_TIMEOUT).await?;
        database.pass_time(id, WINDOW - 5).await?;
        let events = database.state_events(id).await?.len();
        take_over(&database, id).await?;

        let row = database.session_row(id).await?;
        assert_eq!(row["state"], from.as_str());
        assert_eq!(row["state_reason"], "host_returned");
        assert_eq!(row["reconnect_deadline"], Value::Null);
        assert_eq!(row["generation"], 2);
        let log = database.log(id).await?;
        let [changed, returned] = &log[log.len() - 2..] else {
            unreachable!("two entries")
        };
        assert_eq!(changed["metadata"]["kind"], "host_changed");
        assert_eq!(returned["metadata"]["reason"], "host_returned");
        assert_eq!(returned["metadata"]["generation"], 2);
        let told = database.state_events(id).await?;
        assert_eq!(told.len(), events + 1);
        let told = told.last().unwrap();
        assert_eq!(
            (&told["state"], &told["previous_state"], &told["reason"]),
            (
                &json!(from.as_str()),
                &json!("error"),
                &json!("host_returned")
            )
        );
        assert_eq!(
            (&told["generation"], &told["host_uid"]),
            (&json!(2), &json!(2))
        );
        assert_eq!(told["seq"], returned["seq"]);

        // It is watched as before.
        assert!(database.sweep().await?.handled().is_empty());
        database.pass_time(id, HOST_TIMEOUT - 5).await?;
        assert!(database.sweep().await?.handled().is_empty());
        database.pass_time(id, 5).await?;
        assert_eq!(database.sweep().await?.handled()["host_lost"], 1);
    }
    Ok(())
}

#[tokio::test]
async fn after_the_deadline_a_takeover_brings_nobody_back() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = missed_for(&database, StreamState::Active, HOST_TIMEOUT).await?;
    database.pass_time(id, WINDOW).await?;
    take_over(&database, id).await?;
    assert_eq!(state(&database, id).await?, "error");
    assert_eq!(database.sweep().await?.handled()["reconnect_timeout"], 1);
    Ok(())
}

/// The old phone was silent for almost the whole timeout.
#[tokio::test]
async fn the_device_that_takes_over_has_the_usual_time_until_its_first_heartbeat() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = missed_for(&database, StreamState::Active, HOST_TIMEOUT - 5).await?;
    take_over(&database, id).await?;
    let row = database.session_row(id).await?;
    assert!(row["host_seen_at"].as_str() > row["host_heartbeat_at"].as_str());
    database.pass_time(id, HOST_TIMEOUT - 5).await?;
    assert!(database.sweep().await?.handled().is_empty());
    database.pass_time(id, 5).await?;
    assert_eq!(database.sweep().await?.handled()["host_lost"], 1);
    Ok(())
}

#[tokio::test]
async fn a_takeover_does_not_start_the_judging_of_a_host_without_heartbeats() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    take_over(&database, id).await?;
    assert_eq!(database.session_row(id).await?["host_seen_at"], Value::Null);
    database.pass_time(id, 10 * HOST_TIMEOUT).await?;
    assert!(database.sweep().await?.handled().is_empty());
    Ok(())
}

#[tokio::test]
async fn an_error_that_was_set_by_hand_is_not_taken_back_by_a_takeover() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    send_heartbeat(&seller, id).await?;
    move_to(&seller, id, StreamState::Error).await?;
    take_over(&database, id).await?;
    assert_eq!(state(&database, id).await?, "error");
    Ok(())
}

#[tokio::test]
async fn an_error_that_was_set_by_hand_is_not_taken_back_by_a_heartbeat() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    send_heartbeat(&seller, id).await?;
    move_to(&seller, id, StreamState::Error).await?;
    database.pass_time(id, WINDOW - 5).await?;
    let before = database.session_row(id).await?;
    assert_eq!(send_heartbeat(&seller, id).await?["state"], "error");
    let after = database.session_row(id).await?;
    assert_ne!(after["host_seen_at"], before["host_seen_at"]);
    assert_eq!(after["state"], "error");
    move_to(&seller, id, StreamState::Active).await?;
    assert!(database.sweep().await?.handled().is_empty());

    move_to(&seller, id, StreamState::Error).await?;
    database.pass_time(id, WINDOW).await?;
    send_heartbeat(&seller, id).await?;
    assert_eq!(database.sweep().await?.handled()["reconnect_timeout"], 1);
    Ok(())
}

#[tokio::test]
async fn a_host_in_time_does_not_save_a_stream_that_is_too_old() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    for (from, seconds, rule) in [
        (StreamState::Initializing, 300, "initializing_timeout"),
        (StreamState::Paused, 3600, "paused_timeout"),
        (StreamState::Active, 43_200, "max_duration"),
    ] {
        let id = database.stream_in(from).await?;
        send_heartbeat(&seller, id).await?;
        database.pass_time(id, seconds).await?;
        send_heartbeat(&seller, id).await?;
        assert_eq!(database.sweep().await?.handled()[rule], 1);
        let row = database.session_row(id).await?;
        assert_eq!(
            (&row["state"], &row["state_reason"]),
            (&json!("ended"), &json!(rule))
        );
    }
    Ok(())
}
