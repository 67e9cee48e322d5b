//! Figures about Realtime's quota.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;

#[tokio::test]
async fn windows_are_shown_by_pressure_with_the_reason_of_the_plan() -> Result<()> {
    let database = TestDatabase::create().await?;
    for (next_window_ms, poll_ms) in [
        (50, "null"),
        (840, "null"),
        (5000, "null"),
        (60_000, "60000"),
    ] {
        let id = database.stream_in(StreamState::Active).await?;
        database
            .change(&format!(
                "update stream.chat_relay set next_window_ms = {next_window_ms}, poll_ms = {poll_ms}
                 where session_id = '{id}'"
            ))
            .await?;
    }
    // Its windows count no more.
    let ended = database.stream_in(StreamState::Ended).await?;
    database
        .change(&format!(
            "update stream.chat_relay set next_window_ms = 60000 where session_id = '{ended}';
             delete from stream.governor;
             insert into stream.governor (reason, expected_per_s, is_crowded) values ('share', 1800, true);
             update stream.config set realtime_messages_per_s = 2500"
        ))
        .await?;
    for (pressure, streams, longest_s) in
        [("none", 1.0, 0.05), ("wait", 2.0, 5.0), ("poll", 1.0, 60.0)]
    {
        let labels = json!({"pressure": pressure});
        assert_eq!(
            database.figure("pg_stream_windows", labels.clone()).await?,
            streams,
            "{pressure}"
        );
        let longest = database
            .figure("pg_stream_longest_window_seconds", labels)
            .await?;
        assert_eq!(longest, longest_s, "{pressure}");
    }
    for (reason, is_it) in [
        ("unlimited", 0.0),
        ("room", 0.0),
        ("share", 1.0),
        ("limit", 0.0),
    ] {
        let plan = database
            .figure("pg_stream_realtime_plan", json!({"reason": reason}))
            .await?;
        assert_eq!(plan, is_it, "{reason}");
    }
    for (name, value) in [
        ("expected_per_second", 1800.0),
        ("limit_per_second", 2500.0),
        ("over_limit", 0.0),
        ("crowded", 1.0),
    ] {
        let name = format!("pg_stream_realtime_{name}");
        assert_eq!(database.figure(&name, json!({})).await?, value, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn what_was_spent_is_shown_by_kind_as_a_part_of_the_limit() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change(
            "delete from stream.realtime_spending;
             update stream.config set realtime_messages_per_s = 100;
             insert into stream.realtime_spending (at, frames, viewer_counts) values
                 (now() - interval '10 seconds', 2400, 540), (now() - interval '20 seconds', 60, 0),
                 -- Before the last minute.
                 (now() - interval '70 seconds', 9999, 9999)",
        )
        .await?;
    for (kind, per_s) in [
        ("frames", 41.0),
        ("viewer_counts", 9.0),
        ("states", 0.0),
        ("canary", 0.0),
    ] {
        let shown = database
            .figure(
                "pg_stream_realtime_messages_per_second",
                json!({"kind": kind}),
            )
            .await?;
        assert_eq!(shown, per_s, "{kind}");
    }
    let used = || database.figure("pg_stream_realtime_budget_used_ratio", json!({}));
    assert_eq!(used().await?, 0.5);
    database
        .change("update stream.config set realtime_messages_per_s = 0")
        .await?;
    assert_eq!(used().await?, 0.0);
    Ok(())
}

/// A steady rate since before the month began: its end costs the rate times its seconds.
#[tokio::test]
async fn the_month_is_forecast_from_the_last_seven_days() -> Result<()> {
    let database = TestDatabase::create().await?;
    let forecast = || database.figure("pg_stream_realtime_month_forecast_messages", json!({}));
    database
        .change("delete from stream.realtime_spending")
        .await?;
    assert_eq!(forecast().await?, 0.0, "there is nothing to go by");
    database
        .change(
            "insert into stream.realtime_spending (span_s, at, frames)
             select 3600, h, 7200
             from generate_series(date_bin('1 hour', now(), 'epoch') - interval '32 days',
                 date_bin('1 hour', now(), 'epoch') - interval '1 hour', interval '1 hour') as h",
        )
        .await?;
    let month = |end: &str| {
        format!(
            "select extract(epoch from {end}
                 - date_trunc('month', now() at time zone 'UTC'))::double precision"
        )
    };
    let whole_s: f64 = database
        .value(&month(
            "(date_trunc('month', now() at time zone 'UTC') + interval '1 month')",
        ))
        .await?;
    let passed_s: f64 = database.value(&month("(now() at time zone 'UTC')")).await?;
    let spent = database
        .figure("pg_stream_realtime_month_messages", json!({}))
        .await?;
    // Two a second; the present hour is not over.
    let missing = 2.0 * passed_s - spent;
    assert!((0.0..=7300.0).contains(&missing), "{spent} of {passed_s} s");
    let all = forecast().await?;
    let expected = 2.0 * whole_s;
    assert!(
        (all - expected).abs() < expected * 0.02,
        "{all}, {expected}"
    );
    Ok(())
}
