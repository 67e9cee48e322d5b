//! The cost of a tick when nothing is due among a million viewers.

use std::time::{Duration, Instant};

use anyhow::Result;
use stream_tests::bench::{Report, Row, percentile};

use crate::population::BenchedStreams;

const TICKS: usize = 101;
const TARGET_MS: f64 = 5.0;

pub async fn measure(world: &BenchedStreams<'_>, report: &mut Report) -> Result<()> {
    fill(world).await?;
    let owner = &world.database.owner;
    let tick = owner.prepare("select stream.tick()").await?;
    let mut times = Vec::new();
    for _ in 0..TICKS {
        // So that this tick counts and sweeps, which most do not.
        owner
            .execute(
                "update stream.ticker set swept_at = '-infinity' where id",
                &[],
            )
            .await?;
        let begin = Instant::now();
        owner.query_one(&tick, &[]).await?;
        times.push(begin.elapsed());
    }
    let still_active: i64 = world
        .database
        .value("select count(*) from stream.stream_viewers as v where v.is_active")
        .await?;
    anyhow::ensure!(
        still_active == 1_000_000,
        "{still_active} leases left: something was due"
    );
    let median = milliseconds(percentile(times.clone(), 0.5));
    report.add(
        Row::new(
            "viewers",
            "tick, nothing due, 10^6 viewer rows, p50",
            median,
            "ms",
        )
        .with_target(format!("<= {TARGET_MS}"), median <= TARGET_MS),
    );
    report.add(Row::new(
        "viewers",
        "tick, nothing due, 10^6 viewer rows, p99",
        milliseconds(percentile(times, 0.99)),
        "ms",
    ));
    Ok(())
}

/// Ten thousand fresh leases in each of a hundred sessions, of users that nobody checks.
async fn fill(world: &BenchedStreams<'_>) -> Result<()> {
    let superuser = world.database.superuser().await?;
    superuser
        .batch_execute(
            "set session_replication_role = replica;
             truncate stream.stream_viewers, stream.viewer_changes;
             insert into stream.stream_viewers (session_id, user_id, agora_uid, lease_check_at)
             select s.id, gen_random_uuid(), 1000000 + n, now() + c.lease_s * interval '1.9 seconds'
             from stream.stream_sessions as s
             cross join stream.config as c
             cross join generate_series(1, 10000) as n;",
        )
        .await?;
    superuser
        .batch_execute("vacuum (analyze) stream.stream_viewers")
        .await?;
    Ok(())
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
