//! Is each of Agora's notices stored once, applied in order, and otherwise left alone?

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::session_id;
use stream_tests::webhook::*;
use uuid::Uuid;

/// The host's uid in the first generation.
const HOST: i64 = 1;
const DELIBERATE: i64 = 1;

async fn state(database: &TestDatabase, session: Uuid) -> Result<Value> {
    Ok(database.session_row(session).await?["state"].clone())
}

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
            "grant execute on function stream.apply_webhook(jsonb), stream_private.apply_webhook(jsonb)
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
        tell(&service, &told["notice"]).await?,
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
        let call = tell(&service, &bad);
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    assert_eq!(tell(&service, &good).await?.0, "applied");
    Ok(())
}

#[tokio::test]
async fn a_notice_that_comes_again_is_a_duplicate_and_changes_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let mut told = left(BROADCASTER_LEFT, id, HOST, 1, DELIBERATE);
    assert_eq!(
        tell(&service, &told).await?,
        outcome("applied", "host_lost")
    );
    // Agora writes another time of sending into each repetition.
    told["notifyMs"] = json!(1_790_000_005_000_i64);
    for _ in 0..3 {
        let again = database.changes_nothing(tell(&service, &told)).await?;
        assert_eq!(again, outcome("duplicate", ""));
    }
    // The same event under another id is out of order, because it is not newer.
    told["noticeId"] = json!("another-id");
    assert_eq!(tell(&service, &told).await?, outcome("outdated", ""));
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
    tell(&service, &told).await?;
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
        assert_eq!(tell(&service, &told).await?, expected, "{told}");
        assert_eq!(tell(&service, &told).await?, outcome("duplicate", ""));
    }
    let stored: i64 = database
        .value("select count(*) from stream.webhook_events")
        .await?;
    assert_eq!(stored, 6);
    assert_eq!(database.session_row(id).await?, before);
    assert!(database.cursors(id).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn the_greater_number_wins_whatever_comes_first() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for (told, expected, now) in [
        (
            left(BROADCASTER_LEFT, id, HOST, 4, DELIBERATE),
            outcome("applied", "host_lost"),
            "error",
        ),
        // Both are from before that leave.
        (
            of_user(BROADCASTER_JOINED, id, HOST, 3),
            outcome("outdated", ""),
            "error",
        ),
        (
            left(BROADCASTER_LEFT, id, HOST, 2, DELIBERATE),
            outcome("outdated", ""),
            "error",
        ),
        (
            of_user(BROADCASTER_JOINED, id, HOST, 5),
            outcome("applied", "host_returned"),
            "active",
        ),
        (
            left(BROADCASTER_LEFT, id, HOST, 5, DELIBERATE),
            outcome("outdated", ""),
            "active",
        ),
    ] {
        assert_eq!(tell(&service, &told).await?, expected);
        assert_eq!(state(&database, id).await?, now);
    }
    assert_eq!(
        database.cursors(id).await?,
        [json!([HOST, FIRST_SEQ + 5, true])]
    );
    Ok(())
}

#[tokio::test]
async fn each_user_and_each_stream_has_an_order_of_its_own() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let other = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let ada = database.uid_of(id, demo::ADA).await?;
    tell(&service, &of_user(BROADCASTER_JOINED, id, HOST, 9)).await?;
    for told in [
        of_user(AUDIENCE_JOINED, id, ada, 2),
        of_user(BROADCASTER_JOINED, other, HOST, 1),
    ] {
        assert_eq!(tell(&service, &told).await?.0, "applied");
    }
    Ok(())
}

#[tokio::test]
async fn whoever_left_is_remembered_for_a_minute_even_if_first_heard_of_then() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let ada = database.uid_of(id, demo::ADA).await?;
    tell(&service, &left(AUDIENCE_LEFT, id, ada, 3, DELIBERATE)).await?;
    tell(&service, &of_user(BROADCASTER_JOINED, id, HOST, 3)).await?;
    database.pass_time(id, 55).await?;
    assert!(
        !database
            .sweep()
            .await?
            .handled()
            .contains_key("webhook_cursors")
    );
    let late = tell(&service, &of_user(AUDIENCE_JOINED, id, ada, 1)).await?;
    assert_eq!(late, outcome("outdated", ""));

    database.pass_time(id, 5).await?;
    assert_eq!(database.sweep().await?.handled()["webhook_cursors"], 1);
    // Whoever is there is remembered for as long as a stream can last.
    assert_eq!(
        database.cursors(id).await?,
        [json!([HOST, FIRST_SEQ + 3, true])]
    );
    assert_eq!(
        tell(&service, &of_user(AUDIENCE_JOINED, id, ada, 2))
            .await?
            .0,
        "applied"
    );
    Ok(())
}

#[tokio::test]
async fn a_channel_that_was_created_anew_is_not_destroyed_by_a_late_notice() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let channel = |event_type, ts: i64| {
        notice(
            event_type,
            json!({"channelName": id, "ts": ts, "lastUid": 1}),
        )
    };
    for (told, expected, is_created) in [
        (channel(CHANNEL_CREATED, 100), ("applied", "noted"), true),
        (channel(CHANNEL_CREATED, 200), ("applied", "noted"), true),
        (channel(CHANNEL_DESTROYED, 150), ("outdated", ""), true),
        (channel(CHANNEL_DESTROYED, 200), ("outdated", ""), true),
        (channel(CHANNEL_DESTROYED, 201), ("applied", "noted"), false),
        (channel(CHANNEL_CREATED, 201), ("applied", "noted"), true),
    ] {
        let answer = tell(&service, &told).await?;
        assert_eq!(answer, outcome(expected.0, expected.1), "{told}");
        assert_eq!(database.cursors(id).await?[0][2], is_created);
    }
    // It is a hint: no stream was moved by it.
    assert_eq!(state(&database, id).await?, "active");
    Ok(())
}

#[tokio::test]
async fn a_viewers_lease_is_not_touched() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let ada = database.uid_of(id, demo::ADA).await?;
    let lease = "select to_jsonb(v) from stream.stream_viewers as v";
    let before: Value = database.value(lease).await?;
    for told in [
        of_user(AUDIENCE_JOINED, id, ada, 1),
        left(AUDIENCE_LEFT, id, ada, 2, DELIBERATE),
        left(AUDIENCE_LEFT, id, ada, 3, 12),
        of_user(AUDIENCE_JOINED, id, ada, 4),
    ] {
        assert_eq!(tell(&service, &told).await?, outcome("applied", "noted"));
        assert_eq!(database.value::<Value>(lease).await?, before);
    }
    let stranger = of_user(AUDIENCE_JOINED, id, ada + 1, 1);
    assert_eq!(
        tell(&service, &stranger).await?,
        outcome("ignored", "unknown_uid")
    );
    assert_eq!(
        database.cursors(id).await?,
        [json!([ada, FIRST_SEQ + 4, true])]
    );
    Ok(())
}

#[tokio::test]
async fn recorders_flapping_and_replaced_users_take_no_part_in_the_order() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for (client_type, reason, effect) in [
        (Some(3), DELIBERATE, "recorder"),
        (Some(10), DELIBERATE, "recorder"),
        (None, 999, "flapping"),
        (None, 5, "replaced"),
    ] {
        let mut told = left(BROADCASTER_LEFT, id, HOST, 100, reason);
        if let Some(client_type) = client_type {
            told["payload"]["platform"] = json!(6);
            told["payload"]["clientType"] = json!(client_type);
        }
        assert_eq!(tell(&service, &told).await?, outcome("ignored", effect));
    }
    assert_eq!(state(&database, id).await?, "active");
    assert!(database.cursors(id).await?.is_empty());
    let told = left(BROADCASTER_LEFT, id, HOST, 1, DELIBERATE);
    assert_eq!(
        tell(&service, &told).await?,
        outcome("applied", "host_lost")
    );
    Ok(())
}

#[tokio::test]
async fn the_old_phone_neither_ends_nor_revives_the_broadcast_of_the_new_one() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    tell(&service, &of_user(BROADCASTER_JOINED, id, 1, 1)).await?;
    let auction = database.session_row(id).await?["auction_id"].clone();
    let taken = seller
        .rpc("start_stream", json!({"auction_id": auction}))
        .await?;
    assert_eq!((session_id(&taken)?, &taken["host_uid"]), (id, &json!(2)));

    let old_left = left(BROADCASTER_LEFT, id, 1, 2, DELIBERATE);
    assert_eq!(
        tell(&service, &old_left).await?,
        outcome("ignored", "old_generation")
    );
    assert_eq!(state(&database, id).await?, "active");
    let new_left = left(BROADCASTER_LEFT, id, 2, 1, DELIBERATE);
    assert_eq!(
        tell(&service, &new_left).await?,
        outcome("applied", "host_lost")
    );
    for (uid, effect) in [
        (1, "old_generation"),
        (3, "unknown_uid"),
        (0, "unknown_uid"),
    ] {
        let told = of_user(BROADCASTER_JOINED, id, uid, 9);
        assert_eq!(tell(&service, &told).await?, outcome("ignored", effect));
    }
    assert_eq!(state(&database, id).await?, "error");
    let new_joined = of_user(BROADCASTER_JOINED, id, 2, 2);
    assert_eq!(
        tell(&service, &new_joined).await?,
        outcome("applied", "host_returned")
    );
    Ok(())
}

#[tokio::test]
async fn a_stream_that_has_ended_takes_nothing_more() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let id = database.stream_in(StreamState::Ended).await?;
    let before = database.session_row(id).await?;
    for told in [
        of_user(BROADCASTER_JOINED, id, HOST, 1),
        left(BROADCASTER_LEFT, id, HOST, 2, DELIBERATE),
        of_user(AUDIENCE_JOINED, id, 2_000_000, 1),
        notice(CHANNEL_DESTROYED, json!({"channelName": id, "ts": 1})),
    ] {
        assert_eq!(tell(&service, &told).await?, outcome("ignored", "ended"));
    }
    assert_eq!(database.session_row(id).await?, before);
    assert!(database.cursors(id).await?.is_empty());
    Ok(())
}
