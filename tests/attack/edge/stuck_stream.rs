//! Streams whose head rows are held: their own sends wait, and nothing else.

use anyhow::{Context, Result, ensure};
use edge_api::upstream::sql::SqlUpstream;
use edge_api::upstream::{Stack, Upstream, UpstreamError, assemble};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::direct_calls::{ask, plain_settings};
use stream_tests::services::Services;
use stream_tests::services::request::Request;
use stream_tests::waiting::wait_until;
use tokio_postgres::Client;
use uuid::Uuid;

use super::backends;

#[tokio::test]
async fn a_stuck_stream_leaves_a_healthy_one_and_readiness_alone() -> Result<()> {
    let database = TestDatabase::create().await?;
    let stuck = database.stream_in(StreamState::Active).await?;
    let healthy = database.stream_in(StreamState::Active).await?;
    database.viewer(healthy, demo::ADA).await?;
    let holder = database.connect("postgres").await?;
    let services = Services::start_on(database)?;
    // The limits are those of one copy.
    let edge_url = &services.copy_urls[0];
    let seller = services.token_of(demo::SELLER);
    // Of whom no call waits: a user has a share of their own.
    let ada = services.token_of(demo::ADA);
    holder
        .batch_execute(&format!(
            "begin; select from stream.chat_heads where session_id = '{stuck}' for update"
        ))
        .await?;

    let messages = |stream| format!("/v1/streams/{stream}/messages");
    let waiting: Vec<_> = (0..40)
        .map(|number| {
            let request = Request::post(messages(stuck))
                .bearer(&seller)
                .json(&json!({"content": format!("stuck {number}")}));
            let edge_url = edge_url.clone();
            tokio::spawn(async move { request.send(&edge_url).await })
        })
        .collect();
    let observer = services.database.superuser().await?;
    wait_until(
        &observer,
        "select exists (select from pg_stat_activity where wait_event_type = 'Lock'
             and datname = current_database() and application_name = 'edge_api')",
    )
    .await?;

    for number in 0..34 {
        let body = json!({"content": format!("healthy {number}")});
        let send = Request::post(messages(healthy)).bearer(&ada).json(&body);
        let sent = send.send(edge_url).await?;
        ensure!(sent.status == 200, "{sent:?}");
        Request::get("/readyz").send(edge_url).await?.ok()?;
    }
    // Its share of the pool of ten.
    let (at_work, all) = backends(&services.database).await?;
    ensure!(at_work <= 2, "{at_work} connections for one stream");
    ensure!(all <= 11, "{all} connections");

    holder.batch_execute("rollback").await?;
    for answer in waiting {
        let answer = answer.await??;
        let code = answer.json()["code"].clone();
        let is_known = answer.status == 200
            || code == "overloaded"
            || code == "lock_timeout"
            || code == "rate_limited";
        ensure!(is_known, "{answer:?}");
        if answer.status == 503 {
            ensure!(answer.header("retry-after") == "1", "{answer:?}");
        }
    }
    Ok(())
}

const USERS: [Uuid; 4] = [demo::SELLER, demo::ADA, demo::BEN, demo::CLEO];

/// Eight connections in this process: two for one stream, two for one user, two for heartbeats alone.
fn stack_of_eight(database: &TestDatabase) -> Result<Stack> {
    let cluster = &database.environment.cluster;
    let url = cluster.url("authenticator", database.name())?;
    Ok(assemble(plain_settings(&url, 8)?)?)
}

/// Streams in which all users may write, and whoever holds their head rows.
async fn stuck_streams(database: &TestDatabase, count: usize) -> Result<(Vec<Uuid>, Client)> {
    let mut streams = Vec::new();
    let holder = database.connect("postgres").await?;
    holder.batch_execute("begin").await?;
    for _ in 0..count {
        let stream = database.stream_in(StreamState::Active).await?;
        for user in &USERS[1..] {
            database.viewer(stream, *user).await?;
        }
        holder
            .batch_execute(&format!(
                "select from stream.chat_heads where session_id = '{stream}' for update"
            ))
            .await?;
        streams.push(stream);
    }
    Ok((streams, holder))
}

/// A message of a user that is not sent together with others.
async fn send(stack: &Stack, stream: Uuid, user: Uuid) -> Result<Result<(), UpstreamError>> {
    let message = json!({"session_id": stream, "user_id": user, "content": "stuck"});
    let answer = ask(stack.upstream.as_ref(), user, "send_message", &message)?.await;
    Ok(answer.map(|_| ()))
}

/// Whether so many calls wait for a lock, and no more.
fn waiting(calls: usize) -> String {
    format!(
        "select count(*) = {calls} from pg_stat_activity where wait_event_type = 'Lock'
             and datname = current_database() and application_name = 'edge_api'"
    )
}

fn overloaded() -> UpstreamError {
    UpstreamError::Refused {
        code: ErrorCode::Overloaded,
        retry_after_ms: Some(1000),
    }
}

#[tokio::test]
async fn a_stuck_stream_has_its_share_of_the_connections_and_no_more() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (streams, holder) = stuck_streams(&database, 1).await?;
    let stack = stack_of_eight(&database)?;
    let mut sends: FuturesUnordered<_> = USERS
        .iter()
        .map(|user| send(&stack, streams[0], *user))
        .collect();
    for _ in 0..2 {
        let refused = sends.next().await.context("a call is lost")??;
        assert_eq!(refused, Err(overloaded()), "while the stream is held");
    }
    let observer = database.superuser().await?;
    wait_until(&observer, &waiting(2)).await?;
    holder.batch_execute("rollback").await?;
    while let Some(sent) = sends.next().await {
        sent??;
    }
    Ok(())
}

#[tokio::test]
async fn heartbeats_pass_while_every_other_connection_waits() -> Result<()> {
    let database = TestDatabase::create().await?;
    let healthy = database.stream_in(StreamState::Active).await?;
    let dora = database.add_user("dora").await?;
    database.viewer(healthy, dora).await?;
    let (streams, holder) = stuck_streams(&database, USERS.len()).await?;
    let stack = stack_of_eight(&database)?;
    let sends: Vec<_> = streams
        .into_iter()
        .zip(USERS)
        .flat_map(|pair| [pair, pair])
        .map(|(stream, user)| {
            let stack = stack.clone();
            tokio::spawn(async move { send(&stack, stream, user).await })
        })
        .collect();
    let observer = database.superuser().await?;
    wait_until(&observer, &waiting(6)).await?;
    let heartbeat = json!({"session_id": healthy, "user_id": dora});
    ask(stack.upstream.as_ref(), dora, "heartbeat", &heartbeat)?.await?;
    wait_until(&observer, &waiting(6)).await?;
    holder.batch_execute("rollback").await?;
    for sent in sends {
        let sent = sent.await??;
        ensure!(sent.is_ok() || sent == Err(overloaded()), "{sent:?}");
    }
    Ok(())
}

/// Asked at the database itself, in front of which nothing is remembered of an earlier answer.
#[tokio::test]
async fn readiness_and_figures_need_no_connection_of_the_calls() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (streams, holder) = stuck_streams(&database, 2).await?;
    let cluster = &database.environment.cluster;
    let url = cluster.url("authenticator", database.name())?;
    let upstream = SqlUpstream::new(plain_settings(&url, streams.len())?)?;
    let mut sends = Vec::new();
    for (stream, user) in streams.iter().zip(USERS) {
        let message = json!({"session_id": stream, "user_id": user, "content": "stuck"});
        let sent = ask(&upstream, user, "send_message", &message)?;
        sends.push(tokio::spawn(sent));
    }
    let observer = database.superuser().await?;
    wait_until(&observer, &waiting(streams.len())).await?;
    // However often it is asked: one connection for each of the two.
    for _ in 0..2 {
        let versions = upstream.ping().await?;
        ensure!(versions.contract.is_some(), "{versions:?}");
        assert_eq!(backends(&database).await?, (2, 3));
    }
    for _ in 0..2 {
        ensure!(!upstream.figures().await?.is_empty());
        assert_eq!(backends(&database).await?, (2, 4));
    }
    wait_until(&observer, &waiting(streams.len())).await?;
    holder.batch_execute("rollback").await?;
    for sent in sends {
        sent.await??;
    }
    Ok(())
}
