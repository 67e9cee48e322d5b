//! Every viewer of a stream has an Agora uid of their own, also where two would be the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use serde_json::json;
use stream_core::agora::viewer_uid;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{SUBSCRIBER, buyer_token};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use tokio::sync::Barrier;
use uuid::Uuid;

const CONNECTIONS: usize = 100;
const VIEWERS: usize = 1000;

fn uid(session: Uuid, user: Uuid, attempt: u32) -> i32 {
    let uid = viewer_uid(session.as_bytes(), user.as_bytes(), attempt);
    i32::try_from(uid).expect("31 bits")
}

/// Somebody else who holds the numbers that a user would get at their first attempts.
async fn take(
    database: &TestDatabase,
    session: Uuid,
    user: Uuid,
    attempts: std::ops::Range<u32>,
) -> Result<()> {
    for attempt in attempts {
        let holder = database.add_stranger().await?;
        database
            .owner
            .execute(
                "insert into stream.stream_viewers (session_id, user_id, agora_uid)
                 values ($1, $2, $3::integer)",
                &[&session, &holder, &uid(session, user, attempt)],
            )
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn whoever_finds_the_number_taken_gets_the_next_and_keeps_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for (user, taken) in [(demo::ADA, 1), (demo::BEN, 15)] {
        take(&database, id, user, 0..taken).await?;
        let caller = database.viewer(id, user).await?;
        let token = buyer_token(&caller, id).await?;
        database.verified(&token, SUBSCRIBER)?;
        assert_eq!(token["uid"], uid(id, user, taken));

        // The first number is free again, but nobody moves while they watch.
        database
            .change(&format!(
                "delete from stream.stream_viewers where agora_uid = {}",
                uid(id, user, 0)
            ))
            .await?;
        caller.rpc("add_viewer", json!({"session_id": id})).await?;
        assert_eq!(buyer_token(&caller, id).await?["uid"], token["uid"]);
    }
    Ok(())
}

/// With 2^31 numbers this needs an attacker who can write the table, but it must end.
#[tokio::test]
async fn whoever_finds_every_attempt_taken_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    take(&database, id, demo::ADA, 0..16).await?;
    let ada = database.user(demo::ADA).await?;
    let call = ada.rpc("add_viewer", json!({"session_id": id}));
    database.refuses(ErrorCode::Internal, call).await
}

/// Feature: streaming-realtime-fixes, Property 2: For any number of buyers joining a stream
/// simultaneously, the Stream_Service should generate unique tokens without conflicts and handle
/// concurrent requests safely
///
/// A thousand at once, and for each tenth of them the number of the first attempt is taken.
#[tokio::test]
async fn a_thousand_viewers_who_join_at_once_have_a_thousand_numbers() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let rows = database
        .owner
        .query(
            "with people as (
                 insert into auth.users (id, aud, role, email)
                 select gen_random_uuid(), 'authenticated', 'authenticated', n || '@demo.test'
                 from generate_series(1, $1::bigint) as n
                 returning id
             )
             insert into public.users (id, username) select p.id, p.id::text from people as p
             returning id",
            &[&(VIEWERS as i64)],
        )
        .await?;
    let users: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
    let unlucky: Vec<Uuid> = users.iter().copied().step_by(10).collect();
    for user in &unlucky {
        take(&database, id, *user, 0..1).await?;
    }

    let barrier = Arc::new(Barrier::new(CONNECTIONS));
    let mut connections = Vec::new();
    for users in users.chunks(VIEWERS / CONNECTIONS) {
        let service = database.service().await?;
        let (users, barrier) = (users.to_vec(), Arc::clone(&barrier));
        connections.push(tokio::spawn(async move {
            barrier.wait().await;
            let mut answers = Vec::new();
            for user in users {
                let join = json!({"session_id": id, "buyer_id": user});
                service.rpc("add_viewer", join).await?;
                let arguments = json!({"buyer_id": user, "channel_id": id});
                answers.push((user, service.rpc("generate_buyer_token", arguments).await?));
            }
            Ok::<_, tokio_postgres::Error>(answers)
        }));
    }
    let (mut uids, mut tokens) = (BTreeSet::new(), BTreeSet::new());
    for connection in connections {
        for (user, token) in connection.await?? {
            database.verified(&token, SUBSCRIBER)?;
            let expected = uid(id, user, u32::from(unlucky.contains(&user)));
            assert_eq!(token["uid"], expected);
            uids.insert(expected);
            tokens.insert(token["token"].to_string());
        }
    }
    assert_eq!((uids.len(), tokens.len()), (VIEWERS, VIEWERS));
    Ok(())
}
