//! Notices are taken from Agora's signature alone, and each is stored once.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::webhook::*;
use uuid::Uuid;

/// The host's uid in the first generation.
const HOST: i64 = 1;
const DELIBERATE: i64 = 1;

#[tokio::test]
async fn only_the_service_hands_notices_over() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let told = json!({"notice": left(BROADCASTER_LEFT, id, HOST, 1, DELIBERATE)});
    for caller in [
        database.user(demo::SELLER).await?,
        database.user(demo::ADA).await?,
        database.anon().await?,
    ] {
        let call = caller.rpc("apply_webhook", told.clone());
        database.refuses(ErrorCode::PermissionDenied, call).await?;
    }
    // A grant by mistake opens nothing: users are refused inside as well.
    database
        .change(
            "grant execute on function stream.apply_webhook(json), stream_private.apply_webhook(json)
             to authenticated",
        )
        .await?;
    let seller = database.user(demo::SELLER).await?;
    let call = seller.rpc("apply_webhook", told.clone());
    database.refuses(ErrorCode::Forbidden, call).await?;

    let service = database.service().await?;
    let call = service.rpc_at("repeatable read", "apply_webhook", told.clone());
    database.refuses(ErrorCode::IsolationLevel, call).await?;
    assert_eq!(
        send_notice(&service, &told["notice"]).await?,
        outcome("applied", "host_lost")
    );
    Ok(())
}

#[tokio::test]
async fn what_is_no_notice_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let good = of_user(BROADCASTER_JOINED, id, HOST, 1);
    let with = |field: &str, value: Value| {
        let mut bad = good.clone();
        bad[field] = value;
        bad
    };
    let mut too_great = good.clone();
    too_great["payload"]["clientSeq"] = json!(9_223_372_036_854_775_808_u64);
    for bad in [
        Value::Null,
        json!([]),
        json!({}),
        with("noticeId", json!("")),
        with("noticeId", json!("x".repeat(65))),
        with("eventType", json!("103")),
        with("payload", json!({})),
        with("payload", json!({"channelName": "x".repeat(20_000)})),
        too_great,
    ] {
        let call = send_notice(&service, &bad);
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    assert_eq!(send_notice(&service, &good).await?.0, "applied");
    Ok(())
}

#[tokio::test]
async fn a_notice_that_comes_again_is_a_duplicate_and_changes_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let mut told = left(BROADCASTER_LEFT, id, HOST, 1, DELIBERATE);
    assert_eq!(
        send_notice(&service, &told).await?,
        outcome("applied", "host_lost")
    );
    // Agora writes another time of sending into each repetition.
    told["notifyMs"] = json!(1_790_000_005_000_i64);
    for _ in 0..3 {
        let again = database
            .changes_nothing(send_notice(&service, &told))
            .await?;
        assert_eq!(again, outcome("duplicate", ""));
    }
    // The same event under another id is out of order, because it is not newer.
    told["noticeId"] = json!("another-id");
    assert_eq!(send_notice(&service, &told).await?, outcome("outdated", ""));
    assert_eq!(database.stored_notices(id).await?.len(), 2);
    assert_eq!(database.log(id).await?.len(), 3);
    Ok(())
}

#[tokio::test]
async fn a_stored_notice_says_what_happened_and_what_became_of_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let mut told = left(BROADCASTER_LEFT, id, HOST, 7, DELIBERATE);
    told["payload"]["account"] = json!("a-name-that-nobody-needs");
    send_notice(&service, &told).await?;
    let mut stored: Value = database
        .value("select to_jsonb(e) from stream.webhook_events as e")
        .await?;
    assert!(stored["received_at"].take().is_string());
    let expected = json!({
        "notice_id": told["noticeId"], "received_at": null, "product_id": 1, "event_type": 104,
        "channel_id": id, "session_id": id, "uid": 1, "client_seq": FIRST_SEQ + 7,
        "happened_at": "2026-09-21T14:13:27+00:00", "reason": 1, "duration_s": 60,
        "status": "applied", "effect": "host_lost",
    });
    assert_eq!(stored, expected);
    Ok(())
}

#[tokio::test]
async fn the_consoles_test_unknown_events_and_unknown_channels_are_kept_and_move_nothing()
-> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let before = database.session_row(id).await?;
    let mut recording = notice(45, json!({"cname": id}));
    recording["productId"] = json!(3);
    let test = json!({"channelName": "test_webhook", "uid": 12_121_212, "ts": 1, "clientSeq": 1});
    for (told, expected) in [
        (notice(103, test.clone()), outcome("test", "")),
        (notice(102, test), outcome("test", "")),
        (notice(110, json!({})), outcome("ignored", "unknown_event")),
        (recording, outcome("ignored", "unknown_event")),
        (
            of_user(BROADCASTER_JOINED, Uuid::new_v4(), HOST, 1),
            outcome("unknown_channel", ""),
        ),
        (
            of_user(AUDIENCE_JOINED, Uuid::new_v4(), 2_000_000, 1),
            outcome("unknown_channel", ""),
        ),
    ] {
        assert_eq!(send_notice(&service, &told).await?, expected, "{told}");
        assert_eq!(
            send_notice(&service, &told).await?,
            outcome("duplicate", "")
        );
    }
    let stored: i64 = database
        .value("select count(*) from stream.webhook_events")
        .await?;
    assert_eq!(stored, 6);
    assert_eq!(database.session_row(id).await?, before);
    assert!(database.cursors(id).await?.is_empty());
    Ok(())
}
