//! Rows that remain of a stream that has ended, and of people and sessions that are deleted.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::{move_to, send_message, session_id};
use uuid::Uuid;

/// Feature: streaming-realtime-fixes, Property 14: For any stream session lifecycle event (start,
/// pause, resume, end, timeout), the Stream_Service should initialize/cleanup resources
/// appropriately, maintain session state correctly, notify participants of changes, and handle
/// session timeouts automatically
#[tokio::test]
async fn the_end_closes_places_tokens_and_the_log() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    for user in [demo::ADA, demo::BEN] {
        let viewer = database.viewer(id, user).await?;
        viewer
            .rpc(
                "generate_buyer_token",
                json!({"buyer_id": null, "channel_id": id}),
            )
            .await?;
    }
    seller
        .rpc(
            "generate_seller_token",
            json!({"seller_id": null, "channel_id": id}),
        )
        .await?;

    database.tick().await?;
    let ended = seller.rpc("end_stream", json!({"session_id": id})).await?;
    assert_eq!(ended["state"], "ended");
    assert_eq!(ended["ended_at"], ended["state_changed_at"]);
    assert_eq!(ended["viewer_count"], 0);
    assert_eq!(ended["peak_viewer_count"], 2);

    let places: (i64, i64) = counts(&database, "stream_viewers", "is_active").await?;
    assert_eq!(places, (2, 0));
    let left: bool = database
        .value("select bool_and(left_at is not null) from stream.stream_viewers")
        .await?;
    assert!(left);
    assert_eq!(
        counts(&database, "agora_tokens", "is_active").await?,
        (3, 0)
    );
    assert_eq!(counts(&database, "chat_heads", "open").await?, (1, 0));

    let log = database.log(id).await?;
    assert_eq!(log.last().unwrap()["metadata"]["state"], "ended");
    let viewers = database.broadcasts(&format!("viewers:{id}")).await?;
    assert_eq!(viewers.last().unwrap().payload["viewer_count"], 0);
    assert_eq!(viewers.last().unwrap().payload["peak"], 2);
    Ok(())
}

/// The number of rows, and of those for which the condition holds.
async fn counts(database: &TestDatabase, table: &str, condition: &str) -> Result<(i64, i64)> {
    let all = database
        .value(&format!("select count(*) from stream.{table}"))
        .await?;
    let some = database
        .value(&format!(
            "select count(*) from stream.{table} where {condition}"
        ))
        .await?;
    Ok((all, some))
}

#[tokio::test]
async fn an_ended_auction_starts_anew_as_another_session() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let start = || seller.rpc("start_stream", json!({"auction_id": demo::AUCTION}));
    let first = session_id(&start().await?)?;
    move_to(&seller, first, StreamState::Ended).await?;
    let second = start().await?;
    assert_ne!(session_id(&second)?, first);
    assert_eq!(second["generation"], 1);
    assert_eq!(database.log(session_id(&second)?).await?[0]["seq"], 1);
    Ok(())
}

#[tokio::test]
async fn ending_twice_is_a_success_that_changes_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Ended).await?;
    let again = seller.rpc("end_stream", json!({"session_id": id, "reason": "again"}));
    let answer = database.changes_nothing(again).await?;
    assert_eq!(answer["state_reason"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn a_live_stream_is_not_deleted_and_an_ended_one_is() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    let viewer = database.viewer(id, demo::ADA).await?;
    send_message(&viewer, id, "hello").await?;

    let auction = database.session_row(id).await?["auction_id"].clone();
    let deletions = [
        format!("delete from stream.stream_sessions where id = '{id}'"),
        format!("delete from auth.users where id = '{}'", demo::SELLER),
        format!(
            "delete from public.auctions where id = {}",
            auction.to_string().replace('"', "'")
        ),
    ];
    for deletion in &deletions {
        let call = database.owner.execute(deletion, &[]);
        database.refuses(ErrorCode::StreamLive, call).await?;
    }

    move_to(&seller, id, StreamState::Ended).await?;
    assert_eq!(database.owner.execute(&deletions[0], &[]).await?, 1);
    for table in [
        "stream_viewers",
        "chat_messages",
        "chat_heads",
        "chat_relay",
        "agora_tokens",
    ] {
        let left: i64 = database
            .value(&format!("select count(*) from stream.{table}"))
            .await?;
        assert_eq!(left, 0, "{table}");
    }
    Ok(())
}

#[tokio::test]
async fn an_ended_stream_goes_with_its_seller() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.stream_in(StreamState::Ended).await?;
    delete_user(&database, demo::SELLER).await?;
    let sessions: i64 = database
        .value("select count(*) from stream.stream_sessions")
        .await?;
    assert_eq!(sessions, 0);
    Ok(())
}

#[tokio::test]
async fn messages_of_a_deleted_user_stay_and_keep_their_numbers() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    send_message(&ada, id, "from ada").await?;
    send_message(&ben, id, "from ben").await?;
    let before = database.log(id).await?;

    delete_user(&database, demo::ADA).await?;
    let after = database.log(id).await?;
    assert_eq!(after.len(), before.len());
    for (now, then) in after.iter().zip(&before) {
        for column in ["id", "seq", "content", "username", "created_at"] {
            assert_eq!(now[column], then[column]);
        }
    }
    assert_eq!(after[2]["user_id"], Value::Null);
    assert_eq!(after[3]["user_id"], json!(demo::BEN));
    Ok(())
}

#[tokio::test]
async fn a_deleted_viewer_is_not_counted_any_more() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    delete_user(&database, demo::ADA).await?;

    let counted = ben
        .rpc("get_viewer_count", json!({"session_id": id}))
        .await?;
    assert_eq!(counted, 1);
    database.tick().await?;
    let session = ben.rpc("get_session", json!({"session_id": id})).await?;
    assert_eq!(session["viewer_count"], 1);
    Ok(())
}

async fn delete_user(database: &TestDatabase, user: Uuid) -> Result<()> {
    let deleted = database
        .owner
        .execute("delete from auth.users where id = $1", &[&user])
        .await?;
    assert_eq!(deleted, 1);
    Ok(())
}
