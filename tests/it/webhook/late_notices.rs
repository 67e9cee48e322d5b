//! Notices about one user that come late, twice or in another order: the newest event counts.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::webhook::*;
use uuid::Uuid;

/// The host's uid in the first generation.
const HOST: i64 = 1;
const DELIBERATE: i64 = 1;

async fn state(database: &TestDatabase, session: Uuid) -> Result<Value> {
    Ok(database.session_row(session).await?["state"].clone())
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
        assert_eq!(send_notice(&service, &told).await?, expected);
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
    send_notice(&service, &of_user(BROADCASTER_JOINED, id, HOST, 9)).await?;
    for told in [
        of_user(AUDIENCE_JOINED, id, ada, 2),
        of_user(BROADCASTER_JOINED, other, HOST, 1),
    ] {
        assert_eq!(send_notice(&service, &told).await?.0, "applied");
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
    send_notice(&service, &left(AUDIENCE_LEFT, id, ada, 3, DELIBERATE)).await?;
    send_notice(&service, &of_user(BROADCASTER_JOINED, id, HOST, 3)).await?;
    database.pass_time(id, 55).await?;
    assert!(
        !database
            .sweep()
            .await?
            .handled()
            .contains_key("webhook_cursors")
    );
    let late = send_notice(&service, &of_user(AUDIENCE_JOINED, id, ada, 1)).await?;
    assert_eq!(late, outcome("outdated", ""));

    database.pass_time(id, 5).await?;
    assert_eq!(database.sweep().await?.handled()["webhook_cursors"], 1);
    // Whoever is there is remembered for as long as a stream can last.
    assert_eq!(
        database.cursors(id).await?,
        [json!([HOST, FIRST_SEQ + 3, true])]
    );
    assert_eq!(
        send_notice(&service, &of_user(AUDIENCE_JOINED, id, ada, 2))
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
        let answer = send_notice(&service, &told).await?;
        assert_eq!(answer, outcome(expected.0, expected.1), "{told}");
        assert_eq!(database.cursors(id).await?[0][2], is_created);
    }
    // It is a hint: no stream was moved by it.
    assert_eq!(state(&database, id).await?, "active");
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
        assert_eq!(
            send_notice(&service, &told).await?,
            outcome("ignored", effect)
        );
    }
    assert_eq!(state(&database, id).await?, "active");
    assert!(database.cursors(id).await?.is_empty());
    let told = left(BROADCASTER_LEFT, id, HOST, 1, DELIBERATE);
    assert_eq!(
        send_notice(&service, &told).await?,
        outcome("applied", "host_lost")
    );
    Ok(())
}
