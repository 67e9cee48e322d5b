//! Joins into one session next to joins over many.

use anyhow::Result;
use stream_tests::bench::{Report, Row};
use uuid::Uuid;

use crate::population::{BenchedStreams, JOIN, Work};

const ROUNDS: usize = 7;

/// At least this share of the speed of joins that are spread over a hundred sessions.
const TARGET: f64 = 0.8;

/// Lease, token and `sync` in one, by the viewer: as clients join.
const JOIN_STREAM: Work = Work {
    role: "authenticated",
    statement: "with caller as materialized (
             select set_config('request.jwt.claims', json_build_object('sub', $2::uuid)::text, false) as claims
         )
         select ((stream.join_stream($1)).token).uid from caller where claims is not null",
};

pub async fn measure(world: &BenchedStreams<'_>, report: &mut Report) -> Result<()> {
    compare(world, report, "joins into one session", JOIN).await?;
    compare(world, report, "join_stream into one session", JOIN_STREAM).await
}

async fn compare(
    world: &BenchedStreams<'_>,
    report: &mut Report,
    name: &'static str,
    work: Work,
) -> Result<()> {
    let (mut one, mut many) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let into_one = joins_per_second(world, work, 1).await?;
        let over_many = joins_per_second(world, work, world.sessions.len()).await?;
        // The first round warms caches and plans.
        if round > 0 {
            one.push(into_one);
            many.push(over_many);
        }
    }
    let row = Row::in_rounds("viewers", name, &one, "1/s", "over 100 sessions", &many);
    let holds = row.ratio.is_some_and(|ratio| ratio >= TARGET);
    report.add(row.with_target(format!("ratio >= {TARGET}"), holds));
    Ok(())
}

async fn joins_per_second(world: &BenchedStreams<'_>, work: Work, sessions: usize) -> Result<f64> {
    world
        .database
        .owner
        .batch_execute("truncate stream.stream_viewers, stream.viewer_changes")
        .await?;
    let pairs: Vec<(Uuid, Uuid)> = world
        .users
        .iter()
        .enumerate()
        .map(|(place, user)| (world.sessions[place % sessions], *user))
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "a thousand")]
    let joins = pairs.len() as f64;
    Ok(joins / world.call_for_all(work, pairs).await?.as_secs_f64())
}
