//! Clients that hang up at once: they cost the others nothing, and the database few connections.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::request::Request;
use stream_tests::waiting::wait_for;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use uuid::Uuid;

use super::backends;

/// The edge's pool, and the connection that asks whether the database is ready.
const MOST_CONNECTIONS: usize = 10 + 1;

const ATTACKERS: usize = 4;

const HEALTH: &str = "GET /healthz HTTP/1.1\r\n";

/// In each of the rounds.
const HANG_UPS: usize = 200;

/// Of hang-ups that cost the service nothing, and of those that might: in turns, so that what else the machine does counts for
/// both.
const ROUNDS: usize = 4;

/// Sends a request and closes the connection a moment later.
async fn hang_up(edge_url: &str, head: &str) -> Result<()> {
    let address = edge_url.strip_prefix("http://").context("no address")?;
    let mut connection = TcpStream::connect(address).await?;
    let request = format!("{head}host: {address}\r\ncontent-length: 0\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    // The attack that was seen: a millisecond in which the request is begun.
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    Ok(())
}

/// Every server process of the edge that is seen until `is_over`.
async fn watch(services: &Services, is_over: &AtomicBool) -> Result<BTreeSet<i32>> {
    let observer = services.database.superuser().await?;
    let mut seen = BTreeSet::new();
    while !is_over.load(Ordering::Relaxed) {
        let rows = observer
            .query(
                "select pid from pg_stat_activity
                 where datname = current_database() and application_name = 'edge_api'",
                &[],
            )
            .await?;
        seen.extend(rows.iter().map(|row| row.get::<_, i32>(0)));
        tokio::task::yield_now().await;
    }
    Ok(seen)
}

/// The heartbeats of a viewer, one after the other and each answered with 200, during so many hang-ups.
async fn beats_beside(services: &Services, stream: Uuid, heads: &[String]) -> Result<usize> {
    // The limits are those of one copy.
    let edge_url = &services.copy_urls[0];
    let is_over = AtomicBool::new(false);
    let attack = async {
        let attacks = (0..ATTACKERS).map(async |part| {
            for number in 0..HANG_UPS / ATTACKERS {
                hang_up(edge_url, &heads[(number + part) % heads.len()]).await?;
            }
            Ok::<_, anyhow::Error>(())
        });
        let outcome = futures_util::future::try_join_all(attacks).await;
        is_over.store(true, Ordering::Relaxed);
        outcome
    };
    let token = services.token_of(demo::ADA);
    let path = format!("/v1/streams/{stream}/heartbeat");
    let beats = async {
        let mut answered = 0;
        while !is_over.load(Ordering::Relaxed) {
            let heartbeat = Request::post(&path).bearer(&token).json(&json!({}));
            let answer = heartbeat.send(edge_url).await?;
            ensure!(answer.status == 200, "{answer:?}");
            answered += 1;
        }
        Ok(answered)
    };
    let (attacked, answered) = tokio::join!(attack, beats);
    attacked?;
    answered
}

#[tokio::test]
async fn hang_ups_leave_heartbeats_of_others_alone_and_make_few_connections() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    for user in [demo::ADA, demo::BEN] {
        database.viewer(stream, user).await?;
    }
    let attacker = services.token_of(demo::BEN);
    let head_of = |path: &str| format!("{path} HTTP/1.1\r\nauthorization: Bearer {attacker}\r\n");
    let heads = [
        "GET /readyz HTTP/1.1\r\n".to_owned(),
        head_of(&format!("GET /v1/streams/{stream}/sync")),
        head_of(&format!("POST /v1/streams/{stream}/heartbeat")),
    ];
    // The limits are those of one copy.
    let edge_url = &services.copy_urls[0];
    let is_over = AtomicBool::new(false);
    let attacked = async {
        let rounds = async || {
            let harmless = [HEALTH.to_owned()];
            let (mut beside_harmless, mut beside_others) = (0, 0);
            for _ in 0..ROUNDS {
                beside_harmless += beats_beside(&services, stream, &harmless).await?;
                beside_others += beats_beside(&services, stream, &heads).await?;
            }
            Ok::<_, anyhow::Error>((beside_harmless, beside_others))
        };
        let outcome = rounds().await;
        is_over.store(true, Ordering::Relaxed);
        outcome
    };
    let (attacked, seen) = tokio::join!(attacked, watch(&services, &is_over));
    let (beside_harmless, beside_others) = attacked?;
    // It was 188 of 322, and 28 of 323 where every call was dropped together with its connection to the database.
    ensure!(
        beside_others * 4 > beside_harmless,
        "{beside_others} heartbeats, and {beside_harmless} beside hang-ups that cost nothing"
    );
    let seen = seen?;
    ensure!(seen.len() <= MOST_CONNECTIONS, "{} connections", seen.len());
    ensure!(!seen.is_empty(), "nobody was at work");
    wait_for("nothing is under way", async || {
        Ok((backends(database).await?.0 == 0).then_some(()))
    })
    .await?;
    let ready = Request::get("/readyz").send(edge_url).await?;
    ready.ok()?;
    Ok(())
}
