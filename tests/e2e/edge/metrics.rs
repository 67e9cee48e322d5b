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

#[tokio::test]
async fn recoveries_are_counted_by_whether_they_held_everything() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let token = services.token_of(demo::ADA);
    let epoch = "another run";
    let sync = async |query: &str| {
        let path = format!("/v1/streams/{id}/sync{query}");
        let request = Request::new(Method::GET, &path).bearer(&token);
        request.send(&services.copy_urls[0]).await?.ok()
    };
    let first = sync("").await?;
    let of_this_run = format!("&epoch={}", first["epoch"].as_str().context("an epoch")?);
    // Nothing is missing yet: this is no recovery, nor was the first call one.
    let head = &first["head_seq"];
    sync(&format!("?after_seq={head}{of_this_run}")).await?;
    send_message(&database.user(demo::ADA).await?, id, "hello").await?;
    for _ in 0..2 {
        let recovered = sync(&format!("?after_seq=0{of_this_run}")).await?;
        assert_eq!(recovered["recovered"], true);
    }
    let lost = sync(&format!("?after_seq=1&epoch={}", epoch.replace(' ', "%20"))).await?;
    assert_eq!(lost["recovered"], false);
    let text = metrics(&services).await?;
    for (complete, count) in [("true", 2.0), ("false", 1.0)] {
        let series = format!("edge_recoveries_total{{complete=\"{complete}\"}}");
        assert_eq!(value(&text, &series), Some(count), "{complete}");
    }
    Ok(())
}
