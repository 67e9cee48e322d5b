//! `join_stream`: one call gives a viewer all that a stream needs, and only to whom it may.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::agora::viewer_uid;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::SUBSCRIBER;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::refusal::expect_refusal;
use stream_tests::session::Session;
use stream_tests::stream::{numbers, send_message};
use tokio::sync::Barrier;
use tokio_postgres::Error;
use uuid::Uuid;

async fn join_stream(caller: &Session, session: Uuid) -> Result<Value, Error> {
    caller
        .rpc("join_stream", json!({"session_id": session}))
        .await
}

#[tokio::test]
async fn joining_answers_the_lease_a_token_and_what_sync_says() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    send_message(&seller, id, "welcome").await?;
    let ada = database.user(demo::ADA).await?;
    let joined = join_stream(&ada, id).await?;

    assert_eq!(joined["lease"]["session_id"], json!(id));
    assert_eq!(joined["lease"]["user_id"], json!(demo::ADA));
    assert_eq!(joined["lease"]["join_no"], 1);
    let uid = viewer_uid(id.as_bytes(), demo::ADA.as_bytes(), 0);
    assert_eq!(joined["lease"]["agora_uid"], uid);
    assert_eq!(joined["token"]["uid"], uid);
    assert_eq!(joined["token"]["channel_id"], json!(id));
    database.verified(&joined["token"], SUBSCRIBER)?;

    let mut synced = ada.rpc("sync", json!({"session_id": id})).await?;
    let mut answered = joined["sync"].clone();
    for answer in [&mut synced, &mut answered] {
        assert!(answer["server_time"].is_string());
        answer["server_time"] = Value::Null;
    }
    assert_eq!(answered, synced);
    assert_eq!(answered["role"], "viewer");
    let messages = answered["messages"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    assert_eq!(numbers(messages), [1, 2, 3]);
    Ok(())
}

#[tokio::test]
async fn joining_again_raises_the_number_and_keeps_the_uid() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    let first = join_stream(&ada, id).await?;
    let second = join_stream(&ada, id).await?;
    assert_eq!(second["lease"]["join_no"], 2);
    assert_eq!(second["lease"]["agora_uid"], first["lease"]["agora_uid"]);
    assert_ne!(second["token"]["token"], first["token"]["token"]);
    Ok(())
}

#[tokio::test]
async fn a_join_that_is_refused_leaves_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ended = database.stream_in(StreamState::Ended).await?;
    let ada = database.user(demo::ADA).await?;
    let stranger = database.user(database.add_stranger().await?).await?;
    for (code, caller, session) in [
        (ErrorCode::StreamEnded, &ada, ended),
        (ErrorCode::SessionNotFound, &ada, Uuid::new_v4()),
        (ErrorCode::CannotView, &stranger, id),
        (
            ErrorCode::InvalidArgument,
            &database.user(demo::SELLER).await?,
            id,
        ),
        (ErrorCode::PermissionDenied, &database.service().await?, id),
        (ErrorCode::PermissionDenied, &database.anon().await?, id),
    ] {
        database.refuses(code, join_stream(caller, session)).await?;
    }
    let null = ada.rpc("join_stream", json!({"session_id": null}));
    database.refuses(ErrorCode::InvalidArgument, null).await?;
    // The lease goes with the token that cannot be minted.
    database
        .change("update stream.config set agora_app_id = null where id")
        .await?;
    database
        .refuses(ErrorCode::NotConfigured, join_stream(&ada, id))
        .await
}

/// Decrypting it is the most expensive part of a join.
#[tokio::test]
async fn a_join_reads_the_certificate_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    database
        .superuser()
        .await?
        .batch_execute(
            "create sequence vault.readings;
             create function vault.counted(secret text) returns text language plpgsql
             security definer set search_path = pg_catalog, pg_temp as
             $$ begin perform nextval('vault.readings'); return secret; end $$;
             create or replace view vault.decrypted_secrets as
                 select s.id, s.name, s.description, s.secret, vault.counted(s.secret) as decrypted_secret,
                     s.key_id, s.nonce, s.created_at, s.updated_at
                 from vault.secrets as s",
        )
        .await?;
    join_stream(&ada, id).await?;
    let read: i64 = database
        .superuser()
        .await?
        .query_one("select last_value from vault.readings where is_called", &[])
        .await?
        .get(0);
    assert_eq!(read, 1);
    Ok(())
}

async fn restrict(database: &TestDatabase, session: Uuid, kind: &str, until: &str) -> Result<()> {
    database
        .change(&format!(
            "insert into stream.chat_restrictions (session_id, user_id, kind, until)
             values ('{session}', '{}', '{kind}', {until})",
            demo::ADA
        ))
        .await
}

#[tokio::test]
async fn whoever_is_banned_joins_again_when_the_ban_is_over() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let other = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    restrict(&database, id, "ban", "now() + interval '10 minutes'").await?;
    for function in ["join_stream", "add_viewer"] {
        let call = ada.rpc(function, json!({"session_id": id}));
        database.refuses(ErrorCode::Banned, call).await?;
    }
    let service = database.service().await?;
    let call = service.rpc(
        "add_viewer",
        json!({"session_id": id, "buyer_id": demo::ADA}),
    );
    database.refuses(ErrorCode::Banned, call).await?;
    join_stream(&database.user(demo::BEN).await?, id).await?;
    join_stream(&ada, other).await?;

    database.pass_time(id, 590).await?;
    database
        .refuses(ErrorCode::Banned, join_stream(&ada, id))
        .await?;
    // The end counts, not the sweep that removes the row.
    database.pass_time(id, 10).await?;
    join_stream(&ada, id).await?;
    Ok(())
}

#[tokio::test]
async fn a_ban_without_an_end_stays_and_a_mute_keeps_nobody_out() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    restrict(&database, id, "mute", "null").await?;
    join_stream(&ada, id).await?;
    restrict(&database, id, "ban", "null").await?;
    database.pass_time(id, 20_000).await?;
    database.sweep().await?;
    database
        .refuses(ErrorCode::Banned, join_stream(&ada, id))
        .await
}

/// The ban commits while the join waits for the session.
#[tokio::test]
async fn a_ban_that_came_while_a_join_waited_is_seen() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.user(demo::ADA).await?;
    let backend = ada.backend().await?;
    seller.begin().await?;
    seller
        .rpc_within("pause_stream", json!({"session_id": id}))
        .await?;
    let waiting = tokio::spawn(async move { join_stream(&ada, id).await });
    wait_until_blocked(&database.owner, backend).await?;
    restrict(&database, id, "ban", "null").await?;
    seller.commit().await?;
    expect_refusal(ErrorCode::Banned, waiting.await?)
}

const CONNECTIONS: usize = 10;
const VIEWERS: usize = 100;

/// Feature: streaming-realtime-fixes, Property 2: For any number of buyers joining a stream
/// simultaneously, the Stream_Service should generate unique tokens without conflicts and handle
/// concurrent requests safely
#[tokio::test]
async fn a_hundred_viewers_join_at_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let barrier = Arc::new(Barrier::new(CONNECTIONS));
    let mut connections = Vec::new();
    for connection in 0..CONNECTIONS {
        let mut viewers = Vec::new();
        for number in 0..VIEWERS / CONNECTIONS {
            let user = database
                .add_user(&format!("viewer{connection}-{number}"))
                .await?;
            viewers.push(database.user(user).await?);
        }
        let barrier = Arc::clone(&barrier);
        connections.push(tokio::spawn(async move {
            barrier.wait().await;
            let mut joined = Vec::new();
            for viewer in viewers {
                joined.push(join_stream(&viewer, id).await?);
            }
            Ok::<_, Error>(joined)
        }));
    }
    let (mut uids, mut tokens) = (BTreeSet::new(), BTreeSet::new());
    for connection in connections {
        for joined in connection.await?? {
            database.verified(&joined["token"], SUBSCRIBER)?;
            assert_eq!(joined["token"]["uid"], joined["lease"]["agora_uid"]);
            uids.insert(joined["token"]["uid"].as_i64());
            tokens.insert(joined["token"]["token"].to_string());
        }
    }
    assert_eq!((uids.len(), tokens.len()), (VIEWERS, VIEWERS));
    database.tick().await?;
    assert_eq!(database.counts_sent(id).await?, [VIEWERS as i64]);
    Ok(())
}
