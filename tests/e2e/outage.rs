//! The services while the database is away: they refuse, and find it again by themselves.

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::services::Services;
use stream_tests::services::answer::Answer;
use stream_tests::services::edge::expect_problem;
use stream_tests::services::request::Request;
use stream_tests::trace::Trace;
use stream_tests::waiting::wait_for;
use uuid::Uuid;
use xtask::cluster::Options;

/// How an outage is refused: without a connection, and by a server that stops, crashed or starts.
const OUTAGE: [ErrorCode; 4] = [
    ErrorCode::UpstreamUnavailable,
    ErrorCode::ServerStopping,
    ErrorCode::ServerCrashed,
    ErrorCode::ServerStarting,
];

fn expect_outage(answer: &Answer) -> Result<()> {
    let code = answer.json()["code"].clone();
    let known = OUTAGE.into_iter().find(|known| code == known.as_str());
    expect_problem(answer, known.with_context(|| format!("no outage: {code}"))?)
}

/// Asks until the answer is a success; every other one must be the refusal of an outage.
async fn until_it_works(mut ask: impl AsyncFnMut() -> Result<Answer>) -> Result<Answer> {
    wait_for("the service is back", async || {
        let answer = ask().await?;
        if answer.status == 200 {
            return Ok(Some(answer));
        }
        expect_outage(&answer)?;
        Ok(None)
    })
    .await
}

/// Whether the gateway follows the log of the server, by its own word.
async fn until_replication_is(expected: bool, services: &Services) -> Result<()> {
    wait_for(format_args!("replication is {expected}"), async || {
        let health = Request::get("/health").send(&services.supabase_url);
        let is_so = health.await?.ok()?["replication"] == expected;
        Ok(is_so.then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_crash_of_the_server_is_an_outage_and_ends_by_itself() -> Result<()> {
    let mut own = OwnCluster::start(Options::temporary("outage")?)?;
    let database = TestDatabase::create_in(own.make_template("")?).await?;
    let stream = database.stream_in(StreamState::Active).await?;
    let services = Services::start_on(database)?;
    let seller = services.token_of(demo::SELLER);
    let messages = format!("/v1/streams/{stream}/messages");
    let send_message = |content: &str| {
        let request = Request::post(&messages).bearer(&seller);
        request
            .json(&json!({"content": content}))
            .send(&services.edge_url)
    };
    let ready = || Request::get("/readyz").send(&services.edge_url);
    send_message("before").await?.ok()?;
    ready().await?.ok()?;

    own.cluster.crash()?;
    for answer in [
        ready().await?,
        send_message("meanwhile").await?,
        ready().await?,
    ] {
        expect_outage(&answer)?;
    }
    let alive = Request::get("/healthz").send(&services.edge_url).await?;
    assert_eq!(alive.ok()?, json!({"status": "ok"}));

    until_replication_is(false, &services).await?;

    own.cluster.restart()?;
    until_it_works(async || ready().await).await?;
    let sent = until_it_works(async || send_message("after").await)
        .await?
        .json();
    let log = services.edge(&seller, Method::GET, &messages).await?.ok()?;
    let log = log.as_array().context("no messages")?;
    assert_eq!(log.last(), Some(&sent));
    let said: Vec<_> = log
        .iter()
        .filter(|entry| entry["message_type"] == "user_message")
        .map(|entry| &entry["content"])
        .collect();
    assert_eq!(said, ["before", "after"]);
    assert!(services.are_alive());

    until_replication_is(true, &services).await?;
    Ok(())
}

#[tokio::test]
async fn connections_that_the_server_ends_are_replaced() -> Result<()> {
    let services = Services::start().await?;
    let superuser = services.database.superuser().await?;
    let ready = || Request::get("/readyz").send(&services.edge_url);
    ready().await?.ok()?;
    let ended = superuser
        .query(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity
             where datname = current_database() and application_name = 'edge_api'",
            &[],
        )
        .await?;
    assert!(!ended.is_empty(), "the edge had no connection");
    until_it_works(async || ready().await).await?;
    Ok(())
}

#[tokio::test]
async fn a_message_whose_connection_dies_is_not_half_there_and_can_be_sent_again() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    let seller = services.token_of(demo::SELLER);
    let body = json!({"content": "once", "id": Uuid::new_v4()});
    let send = || {
        let request = Request::post(format!("/v1/streams/{stream}/messages")).bearer(&seller);
        request.json(&body).send(&services.edge_url)
    };

    // Whoever updates the head of the log holds it, so the message waits in mid-transaction.
    let holder = database.connect("postgres").await?;
    holder
        .batch_execute("begin; update stream.chat_heads set last_seq = last_seq")
        .await?;
    let before = Trace::take(&database.owner).await?;
    let superuser = database.superuser().await?;
    let (answer, ended) = tokio::join!(send(), async {
        let ended = wait_for("the message waits", async || {
            let ended = superuser
                .query(
                    "select pg_terminate_backend(pid, 10000) from pg_stat_activity
                     where datname = current_database() and application_name = 'edge_api'
                         and cardinality(pg_blocking_pids(pid)) > 0",
                    &[],
                )
                .await?;
            Ok((!ended.is_empty()).then_some(ended.len()))
        })
        .await?;
        let after = Trace::take(&database.owner).await?;
        holder.batch_execute("rollback").await?;
        anyhow::Ok((ended, after))
    });
    let (ended, after) = ended?;
    assert_eq!(ended, 1);
    assert_eq!(after.changed_since(&before), Vec::<&str>::new());
    // It has an id, so that the edge itself sends it again; and so may whoever does not know what became of it.
    let sent = answer?.ok()?;
    assert_eq!(send().await?.ok()?["seq"], sent["seq"]);
    let log = database.log(stream).await?;
    assert_eq!(log.last().map(|entry| &entry["id"]), Some(&sent["id"]));
    let contents = log.iter().filter(|entry| entry["content"] == "once");
    assert_eq!(contents.count(), 1);
    Ok(())
}
