//! GET /metrics with the figures of the database.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::request::Request;
use stream_tests::stream::send_message;
use stream_tests::waiting::wait_for;
use xtask::promtool;

/// The metrics of one copy, as the service reads them.
async fn metrics(services: &Services) -> Result<String> {
    metrics_of(services, &services.copy_urls[0]).await
}

async fn metrics_of(services: &Services, edge_url: &str) -> Result<String> {
    let request = Request::new(Method::GET, "/metrics").bearer(&services.keys.service_role_key);
    let answer = request.send(edge_url).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    Ok(String::from_utf8(answer.body.to_vec())?)
}

fn value(text: &str, series: &str) -> Option<f64> {
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    value.parse().ok()
}

/// Whatever the view has is declared, and whatever is declared is there: the two lists are one.
#[tokio::test]
async fn figures_of_the_database_stand_beside_those_of_the_service() -> Result<()> {
    let services = Services::start_ticking().await?;
    let database = &services.database;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    database
        .change(&format!(
            "update stream.config set canary_user_id = '{}';
             insert into stream.troubles (session_id, rule, sqlstate, since, attempts, next_attempt_at)
             values (null, 'retention', '57014', now(), 1, now() + interval '5 minutes')",
            demo::ADA
        ))
        .await?;
    let service = database.service().await?;
    wait_for("a canary", async || {
        let sent: i64 = database
            .value("select canary_no from stream.canary")
            .await?;
        Ok((sent > 0).then_some(()))
    })
    .await?;
    service
        .rpc("report_canary", json!({"canary_no": 1, "lag_ms": 5}))
        .await?;
    // Each copy asks at most once in ten seconds.
    let text = wait_for("fresh figures", async || {
        let text = metrics(&services).await?;
        let is_fresh = value(&text, "pg_stream_canary_lag_seconds").is_some();
        Ok(is_fresh.then_some(text))
    })
    .await?;
    assert_eq!(value(&text, "edge_database_figures_up"), Some(1.0));
    assert_eq!(
        value(&text, "pg_stream_sessions{state=\"active\"}"),
        Some(1.0)
    );

    let of_database = |name: &str| name.starts_with("pg_stream_");
    let exported: BTreeSet<String> = text
        .lines()
        .filter(|line| of_database(line))
        .filter_map(|line| line.split(['{', ' ']).next())
        .map(str::to_owned)
        .collect();
    let rows = database
        .owner
        .query("select distinct name from stream.metrics", &[])
        .await?;
    let in_view: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let declared: BTreeSet<String> = edge_api::metrics::METRICS
        .iter()
        .map(|metric| metric.name.to_owned())
        .filter(|name| of_database(name))
        .collect();
    assert_eq!(exported, declared);
    assert_eq!(in_view, declared);
    promtool::check_metrics(&text)
}

#[tokio::test]
async fn figures_that_cannot_be_read_leave_the_metrics_of_the_service() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute("revoke select on stream.metrics from service_role")
        .await?;
    let text = metrics(&services).await?;
    assert_eq!(value(&text, "edge_database_figures_up"), Some(0.0));
    assert!(!text.contains("\npg_stream_"), "{text}");
    let up = value(&text, "process_open_fds").context("the service's own")?;
    assert!(up > 0.0);
    Ok(())
}

#[tokio::test]
async fn figures_are_read_through_postgrest_too() -> Result<()> {
    let mut services = Services::start().await?;
    let edge = services.start_edge_through_postgrest()?;
    services.database.stream_in(StreamState::Active).await?;
    let text = metrics_of(&services, &edge).await?;
    for series in [
        "edge_database_figures_up",
        "pg_stream_sessions{state=\"active\"}",
    ] {
        assert_eq!(value(&text, series), Some(1.0), "{text}");
    }
    Ok(())
}

/// Through the edge as through PostgREST, whose transactions for GET are read-only.
#[tokio::test]
async fn recoveries_are_counted_whichever_way_they_are_asked_for() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = services.token_of(demo::SELLER);
    let held: i64 = database
        .value("select last_seq from stream.chat_heads")
        .await?;
    send_message(&database.user(demo::SELLER).await?, id, "hello").await?;
    for epoch in ["", "&epoch=another"] {
        let path = format!("/v1/streams/{id}/sync?after_seq={held}{epoch}");
        let request = Request::new(Method::GET, &path).bearer(&seller);
        request.send(&services.copy_urls[0]).await?.ok()?;
        let path = format!("/rest/v1/rpc/sync?session_id={id}&after_seq={held}{epoch}");
        let request = Request::get(path)
            .header("apikey", &services.keys.anon_key)
            .header("accept-profile", "stream")
            .bearer(&seller);
        request.send(&services.supabase_url).await?.ok()?;
    }
    // A server process hands on what it counts within ten seconds.
    wait_for("both of each kind", async || {
        let mut are_counted = true;
        for is_complete in ["true", "false"] {
            let labels = json!({"complete": is_complete});
            let counted = database.figure("pg_stream_recoveries_total", labels);
            are_counted &= counted.await? == 2.0;
        }
        Ok(are_counted.then_some(()))
    })
    .await
}
