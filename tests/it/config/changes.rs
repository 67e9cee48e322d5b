//! Changed settings apply to live streams too, from the next sweep on.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use uuid::Uuid;

/// A timeout of a live stream, and the rule that it decides.
struct Timeout {
    column: &'static str,
    rule: &'static str,
    default: i64,
    shortest: i64,
    longest: i64,
}

const fn timeout(
    column: &'static str,
    rule: &'static str,
    default: i64,
    shortest: i64,
    longest: i64,
) -> Timeout {
    Timeout {
        column,
        rule,
        default,
        shortest,
        longest,
    }
}

const TIMEOUTS: [Timeout; 4] = [
    timeout(
        "initializing_timeout_s",
        "initializing_timeout",
        300,
        30,
        3600,
    ),
    timeout("host_timeout_s", "host_lost", 20, 5, 300),
    timeout("paused_timeout_s", "paused_timeout", 3600, 60, 86_400),
    timeout("max_duration_s", "max_duration", 43_200, 60, 604_800),
];

/// A stream that only this timeout can reach.
async fn live_stream(database: &TestDatabase, rule: &str) -> Result<Uuid> {
    let state = match rule {
        "initializing_timeout" => StreamState::Initializing,
        "paused_timeout" => StreamState::Paused,
        _ => StreamState::Active,
    };
    let id = database.stream_in(state).await?;
    if rule == "host_lost" {
        send_heartbeat(&database.user(demo::SELLER).await?, id).await?;
    }
    Ok(id)
}

impl Timeout {
    async fn set(&self, database: &TestDatabase, value: &str) -> Result<()> {
        let column = self.column;
        database
            .change(&format!(
                "update stream.config set {column} = {value} where id"
            ))
            .await
    }

    /// How many streams the next sweep finds.
    async fn found(&self, database: &TestDatabase) -> Result<i64> {
        let swept = database.sweep().await?;
        Ok(swept.handled().get(self.rule).copied().unwrap_or(0))
    }
}

#[tokio::test]
async fn a_shorter_timeout_applies_to_live_streams_at_the_next_sweep() -> Result<()> {
    let database = TestDatabase::create().await?;
    for timeout in &TIMEOUTS {
        let id = live_stream(&database, timeout.rule).await?;
        database.pass_time(id, timeout.shortest + 1).await?;
        assert_eq!(timeout.found(&database).await?, 0, "{}", timeout.column);
        timeout
            .set(&database, &timeout.shortest.to_string())
            .await?;
        assert_eq!(timeout.found(&database).await?, 1, "{}", timeout.column);
        timeout.set(&database, "default").await?;
        end(&database, id).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_longer_timeout_applies_to_live_streams_at_the_next_sweep() -> Result<()> {
    let database = TestDatabase::create().await?;
    for timeout in &TIMEOUTS {
        // The longest pause is longer than the longest stream, unless that is lengthened too.
        if timeout.rule != "max_duration" {
            database
                .change("update stream.config set max_duration_s = 604800 where id")
                .await?;
        }
        let id = live_stream(&database, timeout.rule).await?;
        // The sweep has put down when it looks again, by the old timeout.
        database.sweep().await?;
        database.pass_time(id, timeout.default + 1).await?;
        timeout.set(&database, &timeout.longest.to_string()).await?;
        assert_eq!(timeout.found(&database).await?, 0, "{}", timeout.column);
        database
            .pass_time(id, timeout.longest - timeout.default)
            .await?;
        assert_eq!(timeout.found(&database).await?, 1, "{}", timeout.column);
        timeout.set(&database, "default").await?;
        end(&database, id).await?;
    }
    Ok(())
}

async fn end(database: &TestDatabase, session: Uuid) -> Result<()> {
    let service = database.service().await?;
    service
        .rpc("end_stream", json!({"session_id": session}))
        .await?;
    database.sweep().await?;
    Ok(())
}

#[tokio::test]
async fn another_lease_applies_to_the_viewers_who_are_there() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for (lease, next, passes, leaves) in [(600, 45, 50, 1), (45, 600, 50, 0), (90, 45, 50, 1)] {
        set_lease(&database, lease).await?;
        database.viewer(id, demo::ADA).await?;
        database.pass_time(id, passes).await?;
        set_lease(&database, next).await?;
        let swept = database.sweep().await?;
        let left = swept.handled().get("viewer_leases").copied().unwrap_or(0);
        assert_eq!(left, leaves, "from {lease} to {next}");
    }
    Ok(())
}

async fn set_lease(database: &TestDatabase, lease_s: i64) -> Result<()> {
    database
        .change(&format!(
            "update stream.config set lease_s = {lease_s} where id"
        ))
        .await
}
