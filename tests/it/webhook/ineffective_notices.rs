//! Notices without effect: on viewers' leases, the broadcast of another phone, streams that are over.

use anyhow::Result;
use serde_json::{Value, json};
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
        assert_eq!(
            send_notice(&service, &told).await?,
            outcome("applied", "noted")
        );
        assert_eq!(database.value::<Value>(lease).await?, before);
    }
    let stranger = of_user(AUDIENCE_JOINED, id, ada + 1, 1);
    assert_eq!(
        send_notice(&service, &stranger).await?,
        outcome("ignored", "unknown_uid")
    );
    assert_eq!(
        database.cursors(id).await?,
        [json!([ada, FIRST_SEQ + 4, true])]
    );
    Ok(())
}

#[tokio::test]
async fn the_old_phone_neither_ends_nor_revives_the_broadcast_of_the_new_one() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    send_notice(&service, &of_user(BROADCASTER_JOINED, id, 1, 1)).await?;
    let auction = database.session_row(id).await?["auction_id"].clone();
    let taken = seller
        .rpc("start_stream", json!({"auction_id": auction}))
        .await?;
    assert_eq!((session_id(&taken)?, &taken["host_uid"]), (id, &json!(2)));

    let old_left = left(BROADCASTER_LEFT, id, 1, 2, DELIBERATE);
    assert_eq!(
        send_notice(&service, &old_left).await?,
        outcome("ignored", "old_generation")
    );
    assert_eq!(state(&database, id).await?, "active");
    let new_left = left(BROADCASTER_LEFT, id, 2, 1, DELIBERATE);
    assert_eq!(
        send_notice(&service, &new_left).await?,
        outcome("applied", "host_lost")
    );
    for (uid, effect) in [
        (1, "old_generation"),
        (3, "unknown_uid"),
        (0, "unknown_uid"),
    ] {
        let told = of_user(BROADCASTER_JOINED, id, uid, 9);
        assert_eq!(
            send_notice(&service, &told).await?,
            outcome("ignored", effect)
        );
    }
    assert_eq!(state(&database, id).await?, "error");
    let new_joined = of_user(BROADCASTER_JOINED, id, 2, 2);
    assert_eq!(
        send_notice(&service, &new_joined).await?,
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
        assert_eq!(
            send_notice(&service, &told).await?,
            outcome("ignored", "ended")
        );
    }
    assert_eq!(database.session_row(id).await?, before);
    assert!(database.cursors(id).await?.is_empty());
    Ok(())
}
