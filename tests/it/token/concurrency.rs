//! Tokens stay valid and people distinct when everybody asks at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{PUBLISHER, SUBSCRIBER, seller_token};
use stream_tests::blocking::is_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::waiting::wait_for;
use tokio::sync::Barrier;
use uuid::Uuid;

const CONNECTIONS: usize = 8;
const BUYERS_PER_CONNECTION: usize = 40;

/// Feature: streaming-realtime-fixes, Property 2: For any number of buyers joining a stream
/// simultaneously, the Stream_Service should generate unique tokens without conflicts and handle
/// concurrent requests safely
#[tokio::test]
async fn tokens_of_buyers_who_join_at_the_same_time_are_valid_and_unique() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let buyers = add_buyers(&database, CONNECTIONS * BUYERS_PER_CONNECTION).await?;
    let barrier = Arc::new(Barrier::new(CONNECTIONS));
    let mut connections = Vec::new();
    for buyers in buyers.chunks(BUYERS_PER_CONNECTION) {
        let service = database.service().await?;
        let (buyers, barrier) = (buyers.to_vec(), Arc::clone(&barrier));
        connections.push(tokio::spawn(async move {
            barrier.wait().await;
            let mut answers = Vec::new();
            for buyer in buyers {
                service
                    .rpc("add_viewer", json!({"session_id": id, "buyer_id": buyer}))
                    .await?;
                let arguments = json!({"buyer_id": buyer, "channel_id": id});
                answers.push((buyer, service.rpc("generate_buyer_token", arguments).await?));
            }
            Ok::<_, tokio_postgres::Error>(answers)
        }));
    }
    let seller = database.user(demo::SELLER).await?;
    let host = seller_token(&seller, id).await?;
    database.verified(&host, PUBLISHER)?;

    let mut tokens = BTreeSet::new();
    let mut uids = BTreeMap::new();
    for connection in connections {
        for (buyer, answer) in connection.await?? {
            database.verified(&answer, SUBSCRIBER)?;
            assert!(tokens.insert(answer["token"].to_string()));
            let uid = answer["uid"].as_i64().unwrap();
            assert!((1_000_000..=i64::from(i32::MAX)).contains(&uid), "{uid}");
            assert_eq!(uids.insert(uid, buyer), None);
        }
    }
    assert_eq!(uids.len(), buyers.len());
    assert!(!uids.contains_key(&host["uid"].as_i64().unwrap()));
    let stored: i64 = database
        .value("select count(distinct token_hash) from stream.agora_tokens")
        .await?;
    assert_eq!(stored, buyers.len() as i64 + 1);
    Ok(())
}

/// Several devices of one buyer share the buyer's uid.
#[tokio::test]
async fn devices_of_one_buyer_get_tokens_of_one_uid() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let mut devices = Vec::new();
    for _ in 0..CONNECTIONS {
        let device = database.user(demo::ADA).await?;
        devices.push(tokio::spawn(async move {
            let arguments = json!({"buyer_id": null, "channel_id": id});
            device.rpc("generate_buyer_token", arguments).await
        }));
    }
    let mut uids = BTreeSet::new();
    for device in devices {
        let answer: Value = device.await??;
        database.verified(&answer, SUBSCRIBER)?;
        uids.insert(answer["uid"].as_i64());
    }
    assert_eq!(uids.len(), 1);
    Ok(())
}

/// A token is written and not committed yet when the stream ends; the end may wait for it or not.
#[tokio::test]
async fn a_token_that_is_issued_while_the_stream_ends_is_retired_too() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let backend = seller.backend().await?;

    ada.begin().await?;
    let arguments = json!({"buyer_id": null, "channel_id": id});
    ada.rpc_within("generate_buyer_token", arguments).await?;
    let end = json!({"session_id": id});
    let ending = tokio::spawn(async move { seller.rpc("end_stream", end).await });
    wait_for("the end waits or is done", async || {
        let is_there = ending.is_finished() || is_blocked(&database.owner, backend).await?;
        Ok(is_there.then_some(()))
    })
    .await?;
    // The token may be refused now, but not be left usable.
    let _ = ada.commit().await;
    ending.await??;

    let usable: i64 = database
        .value("select count(*) from stream.agora_tokens where is_active")
        .await?;
    assert_eq!(usable, 0);
    Ok(())
}

async fn add_buyers(database: &TestDatabase, count: usize) -> Result<Vec<Uuid>> {
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
            &[&(count as i64)],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
