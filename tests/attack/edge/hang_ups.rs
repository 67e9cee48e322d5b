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

const HANG_UPS: usize = 400;

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

async fn heartbeats(services: &Services, user: Uuid, stream: Uuid, count: usize) -> Result<()> {
    let token = services.token_of(user);
    let edge_url = &services.copy_urls[0];
    let path = format!("/v1/streams/{stream}/heartbeat");
    for _ in 0..count {
        let heartbeat = Request::post(&path).bearer(&token).json(&json!({}));
        let answer = heartbeat.send(edge_url).await?;
        ensure!(answer.status == 200, "{answer:?}");
    }
    Ok(())
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
    let attack = async {
        let attacks = (0..4).map(|part| {
            let (heads, edge_url) = (&heads, edge_url);
            async move {
                for number in 0..HANG_UPS / 4 {
                    hang_up(edge_url, &heads[(number + part) % heads.len()]).await?;
                }
                Ok::<_, anyhow::Error>(())
            }
        });
        futures_util::future::try_join_all(attacks).await?;
        Ok::<_, anyhow::Error>(())
    };
    let others = async {
        let outcome = tokio::try_join!(attack, heartbeats(&services, demo::ADA, stream, 50));
        is_over.store(true, Ordering::Relaxed);
        outcome
    };
    let (outcome, seen) = tokio::join!(others, watch(&services, &is_over));
    outcome?;
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
