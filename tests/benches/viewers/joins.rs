//! Do joins of one session wait for each other?

use anyhow::Result;
use stream_tests::bench::{Report, Row, median};
use uuid::Uuid;

use crate::world::{JOIN, World};

const ROUNDS: usize = 7;

/// At least this share of the speed of joins that are spread over a hundred sessions.
const TARGET: f64 = 0.8;

pub async fn measure(world: &World<'_>, report: &mut Report) -> Result<()> {
    let (mut one, mut many) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let into_one = joins_per_second(world, 1).await?;
        let over_many = joins_per_second(world, world.sessions.len()).await?;
        // The first round warms caches and plans.
        if round > 0 {
            one.push(into_one);
            many.push(over_many);
        }
    }
    let row = Row::new("viewers", "joins into one session", median(one), "1/s")
        .against("over 100 sessions", median(many));
    let holds = row.ratio.is_some_and(|ratio| ratio >= TARGET);
    report.add(row.with_target(format!("ratio >= {TARGET}"), holds));
    Ok(())
}

async fn joins_per_second(world: &World<'_>, sessions: usize) -> Result<f64> {
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
    Ok(joins / world.call_for_all(JOIN, pairs).await?.as_secs_f64())
}
