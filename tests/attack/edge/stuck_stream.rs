//! A stream whose head row is held: its own sends wait, and nothing else.

use anyhow::{Result, ensure};
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::request::Request;
use stream_tests::waiting::wait_until;

use super::backends;

#[tokio::test]
async fn a_stuck_stream_leaves_a_healthy_one_and_readiness_alone() -> Result<()> {
    let database = TestDatabase::create().await?;
    let stuck = database.stream_in(StreamState::Active).await?;
    let healthy = database.stream_in(StreamState::Active).await?;
    let holder = database.connect("postgres").await?;
    let services = Services::start_on(database)?;
    // The limits are those of one copy.
    let edge_url = &services.copy_urls[0];
    let seller = services.token_of(demo::SELLER);
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
        let send = Request::post(messages(healthy)).bearer(&seller).json(&body);
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
