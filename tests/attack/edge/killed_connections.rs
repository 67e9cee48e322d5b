//! Connections that the server ends while calls are under way: each message is there once, or not at all.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};
use hyper::Method;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::waiting::wait_for;
use uuid::Uuid;

const SENDERS: usize = 4;
const MESSAGES: usize = 100;

/// Messages that are stored between two connections that are ended.
const STORED_BETWEEN: i64 = 8;

/// Sends until the service says that it is stored; every other answer must ask for another try.
async fn send_until_stored(services: &Services, stream: Uuid, content: &str) -> Result<()> {
    let token = services.token_of(demo::SELLER);
    let path = format!("/v1/streams/{stream}/messages");
    let body = json!({"content": content, "id": Uuid::new_v4()});
    wait_for(content, async || {
        let answer = services
            .edge_json(&token, Method::POST, &path, body.clone())
            .await?;
        if answer.status == 200 {
            return Ok(Some(()));
        }
        // Away, or too many at once.
        ensure!(matches!(answer.status, 429 | 503), "{answer:?}");
        ensure!(!answer.header("retry-after").is_empty(), "{answer:?}");
        Ok(None)
    })
    .await
}

#[tokio::test]
async fn messages_are_stored_once_while_connections_are_killed() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    let is_over = AtomicBool::new(false);
    let killer = database.superuser().await?;
    let kill = async {
        let (mut killed, mut stored) = (0, 0);
        while !is_over.load(Ordering::Relaxed) {
            // Calls succeed in between, however long a new connection takes for its first: no circuit breaker opens.
            let row = killer
                .query_one(
                    "select h.last_seq, (
                         select count(pg_terminate_backend(one.pid)) from (
                             select a.pid from pg_stat_activity as a
                             where a.datname = current_database() and a.application_name = 'edge_api'
                               and a.state <> 'idle' and h.last_seq >= $2 limit 1) as one)
                     from stream.chat_heads as h where h.session_id = $1",
                    &[&stream, &(stored + STORED_BETWEEN)],
                )
                .await?;
            if row.get::<_, i64>(1) > 0 {
                killed += 1;
                stored = row.get(0);
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        Ok::<_, anyhow::Error>(killed)
    };
    let senders = (0..SENDERS).map(|sender| {
        let services = &services;
        async move {
            for number in 0..MESSAGES {
                send_until_stored(services, stream, &format!("{sender}-{number}")).await?;
            }
            Ok::<_, anyhow::Error>(())
        }
    });
    let send = async {
        let outcome = futures_util::future::try_join_all(senders).await;
        is_over.store(true, Ordering::Relaxed);
        outcome
    };
    let (sent, killed) = tokio::join!(send, kill);
    sent?;
    ensure!(killed? > 0, "no connection was killed");

    let log = database.log(stream).await?;
    let contents = log
        .iter()
        .filter(|entry| entry["message_type"] == "user_message");
    let mut contents: Vec<_> = contents.map(|entry| entry["content"].to_string()).collect();
    contents.sort();
    let mut expected: Vec<_> = (0..SENDERS)
        .flat_map(|sender| (0..MESSAGES).map(move |number| format!("\"{sender}-{number}\"")))
        .collect();
    expected.sort();
    assert_eq!(contents, expected);
    Ok(())
}
