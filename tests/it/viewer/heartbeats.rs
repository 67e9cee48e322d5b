//! A viewer's heartbeat keeps the lease alive, for a limited time.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::{send_heartbeat, send_heartbeat_with};
use stream_tests::identity::Identity;
use stream_tests::session::Session;
use tokio_postgres::Error;
use uuid::Uuid;

/// Defaults of `stream.config`, in seconds.
const LEASE: i64 = 45;
const GRACE: i64 = 60;

async fn join(viewer: &Session, session: Uuid) -> Result<Value, Error> {
    viewer
        .rpc("add_viewer", json!({"session_id": session}))
        .await
}

async fn is_active(database: &TestDatabase, session: Uuid, user: Uuid) -> Result<bool> {
    database.sweep().await?;
    Ok(database.viewer_row(session, user).await?["is_active"] == true)
}

#[tokio::test]
async fn an_answer_says_how_the_stream_is_and_when_to_come_again() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Paused).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    database.tick().await?;
    let sync = ada.rpc("sync", json!({"session_id": id})).await?;
    let answer = send_heartbeat_with(&ada, id, json!({})).await?;
    for key in [
        "session_id",
        "state",
        "generation",
        "host_uid",
        "viewer_count",
        "epoch",
        "head_seq",
    ] {
        assert_eq!(answer[key], sync[key], "{key}");
    }
    assert_eq!(answer["status"], "ok");
    assert_eq!(answer["next_in_ms"], 15_000);
    assert_eq!(answer["reconnect_deadline"], Value::Null);
    assert_eq!(answer["token"], Value::Null);
    assert!(answer["server_time"].is_string());
    database
        .change("update stream.config set heartbeat_interval_s = 7 where id")
        .await?;
    assert_eq!(send_heartbeat(&ada, id).await?["next_in_ms"], 7_000);
    Ok(())
}

#[tokio::test]
async fn a_lease_lasts_from_the_last_heartbeat() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    for _ in 0..4 {
        database.pass_time(id, LEASE - 5).await?;
        assert!(is_active(&database, id, demo::ADA).await?);
        send_heartbeat(&ada, id).await?;
    }
    database.pass_time(id, LEASE - 5).await?;
    assert!(is_active(&database, id, demo::ADA).await?);
    database.pass_time(id, 5).await?;
    assert!(!is_active(&database, id, demo::ADA).await?);
    let row = database.viewer_row(id, demo::ADA).await?;
    let lasted: f64 = database
        .value(
            "select extract(epoch from left_at - last_seen_at)::float8 from stream.stream_viewers",
        )
        .await?;
    assert_eq!(lasted, LEASE as f64, "{row}");
    database
        .refuses(ErrorCode::NotViewer, send_heartbeat(&ada, id))
        .await?;
    assert_eq!(join(&ada, id).await?["join_no"], 2);
    Ok(())
}

#[tokio::test]
async fn an_app_in_the_background_counts_for_the_grace_and_no_longer() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    send_heartbeat_with(&ada, id, json!({"foreground": false})).await?;
    for foreground in [json!(false), Value::Null] {
        database.pass_time(id, 25).await?;
        assert!(is_active(&database, id, demo::ADA).await?);
        send_heartbeat_with(&ada, id, json!({"foreground": foreground})).await?;
    }
    database.pass_time(id, GRACE - 50).await?;
    assert!(!is_active(&database, id, demo::ADA).await?);
    Ok(())
}

#[tokio::test]
async fn an_app_that_comes_to_the_foreground_again_counts_on() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    send_heartbeat_with(&ada, id, json!({"foreground": false})).await?;
    database.pass_time(id, 40).await?;
    send_heartbeat_with(&ada, id, json!({"foreground": true})).await?;
    let row = database.viewer_row(id, demo::ADA).await?;
    assert_eq!(
        (&row["foreground"], &row["background_since"]),
        (&json!(true), &Value::Null)
    );
    database.pass_time(id, 40).await?;
    assert!(is_active(&database, id, demo::ADA).await?);
    database.pass_time(id, 5).await?;
    assert!(!is_active(&database, id, demo::ADA).await?);
    Ok(())
}

#[tokio::test]
async fn without_heartbeats_the_background_does_not_prolong_a_lease() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    send_heartbeat_with(&ada, id, json!({"foreground": false})).await?;
    database.pass_time(id, LEASE).await?;
    assert!(!is_active(&database, id, demo::ADA).await?);
    Ok(())
}

#[tokio::test]
async fn without_grace_the_background_ends_a_lease_at_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change("update stream.config set background_grace_s = 0 where id")
        .await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    send_heartbeat_with(&ada, id, json!({"foreground": false})).await?;
    assert!(!is_active(&database, id, demo::ADA).await?);
    // A new join is in the foreground.
    join(&ada, id).await?;
    assert!(is_active(&database, id, demo::ADA).await?);
    Ok(())
}

#[tokio::test]
async fn the_last_device_to_join_holds_the_place() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let (old, new) = (
        database.user(demo::ADA).await?,
        database.user(demo::ADA).await?,
    );
    join(&old, id).await?;
    assert_eq!(join(&new, id).await?["join_no"], 2);
    for stale in [1, 0, 3] {
        let call = send_heartbeat_with(&old, id, json!({"join_no": stale, "foreground": false}));
        let answer = database.changes_nothing(call).await?;
        assert_eq!(answer["status"], "superseded");
        assert_eq!(answer["token"], Value::Null);
        assert_eq!(answer["state"], "active");
    }
    let answer = send_heartbeat_with(&new, id, json!({"join_no": 2})).await?;
    assert_eq!(answer["status"], "ok");

    let leave = |join_no: i64| json!({"session_id": id, "join_no": join_no});
    let left = old.rpc("remove_viewer", leave(1));
    assert_eq!(database.changes_nothing(left).await?, "superseded");
    database.tick().await?;
    assert_eq!(send_heartbeat(&new, id).await?["viewer_count"], 1);
    Ok(())
}

/// The old device's heartbeats must not keep the place of the new one, which is gone.
#[tokio::test]
async fn a_superseded_device_does_not_prolong_the_lease() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    join(&ada, id).await?;
    database.pass_time(id, LEASE).await?;
    send_heartbeat_with(&ada, id, json!({"join_no": 1})).await?;
    assert!(!is_active(&database, id, demo::ADA).await?);
    Ok(())
}

#[tokio::test]
async fn whoever_has_no_place_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.user(demo::BEN).await?;
    let stranger = database.user(database.add_stranger().await?).await?;
    database
        .refuses(ErrorCode::NotViewer, send_heartbeat(&ben, id))
        .await?;
    database
        .refuses(ErrorCode::NotViewer, send_heartbeat(&stranger, id))
        .await?;
    ada.rpc("remove_viewer", json!({"session_id": id})).await?;
    database
        .refuses(ErrorCode::NotViewer, send_heartbeat(&ada, id))
        .await?;
    let unknown = send_heartbeat(&ada, Uuid::new_v4());
    database
        .refuses(ErrorCode::SessionNotFound, unknown)
        .await?;
    let null = ada.rpc("heartbeat", json!({"session_id": null}));
    database.refuses(ErrorCode::InvalidArgument, null).await?;

    join(&ada, id).await?;
    let service = database.service().await?;
    service.rpc("end_stream", json!({"session_id": id})).await?;
    for viewer in [&ada, &ben, &database.user(demo::SELLER).await?] {
        database
            .refuses(ErrorCode::StreamEnded, send_heartbeat(viewer, id))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_user_beats_as_themself_and_the_service_for_anybody() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let service = database.service().await?;
    let other = send_heartbeat_with(&ada, id, json!({"user_id": demo::BEN}));
    database.refuses(ErrorCode::NotSelf, other).await?;
    database
        .refuses(ErrorCode::InvalidArgument, send_heartbeat(&service, id))
        .await?;
    let anon = database.anon().await?;
    database
        .refuses(ErrorCode::PermissionDenied, send_heartbeat(&anon, id))
        .await?;
    for user in [demo::ADA, demo::SELLER] {
        let answer = send_heartbeat_with(&service, id, json!({"user_id": user})).await?;
        assert_eq!(answer["status"], "ok");
    }
    assert_ne!(database.session_row(id).await?["host_seen_at"], Value::Null);
    let anonymous = database
        .session(Identity::anonymous_user(demo::ADA))
        .await?;
    assert_eq!(send_heartbeat(&anonymous, id).await?["status"], "ok");
    Ok(())
}

#[tokio::test]
async fn the_grace_of_the_background_is_not_that_of_the_foreground() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change("update stream.config set background_grace_s = 0 where id")
        .await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    for _ in 0..3 {
        database.pass_time(id, 40).await?;
        send_heartbeat(&ada, id).await?;
        assert!(is_active(&database, id, demo::ADA).await?);
    }
    Ok(())
}
