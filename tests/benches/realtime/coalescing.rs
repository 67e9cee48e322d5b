//! Deliveries of a message in a busy stream under a plan's limit.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use stream_tests::bench::{self, Report, Row};
use tokio::time::Instant;
use uuid::Uuid;

use crate::audience::Audience;
use crate::population::JOIN;
use crate::world::World;

const VIEWERS: usize = 1_000;

/// Viewers with a socket: each of the thousand would see the same frames.
const SOCKETS: usize = 10;
const MESSAGES_PER_S: u32 = 5;
const LIMIT_PER_S: u32 = 2_500;

/// Before it is measured: the governor knows the viewers and the rate by then.
const SETTLING: Duration = Duration::from_secs(15);
const ROUND: Duration = Duration::from_secs(30);
const ROUNDS: usize = 3;
const SEEN_WITHIN: Duration = Duration::from_secs(60);

/// Of one frame for each message.
const TARGET: f64 = 0.25;

pub async fn measure(world: &World<'_>, report: &mut Report) -> Result<()> {
    world.limit(LIMIT_PER_S).await?;
    let session = world.streams.sessions[0];
    world
        .streams
        .call_for_all(JOIN, world.pairs(1, VIEWERS))
        .await?;
    let mut audience = Audience::join(world, &world.pairs(1, SOCKETS)).await?;
    let settling = bench::scaled(SETTLING.as_secs() as usize).max(2);
    let measured = bench::scaled(ROUND.as_secs() as usize).max(3);
    let mut last = send(world, session, settling).await?;
    audience.wait_for(session, last, SEEN_WITHIN).await?;
    let mut deliveries = Vec::new();
    for _ in 0..ROUNDS {
        audience.forget();
        let first = HashMap::from([(session, last + 1)]);
        last = send(world, session, measured).await?;
        audience.wait_for(session, last, SEEN_WITHIN).await?;

        let receipts = audience.receipts(&first)?;
        let frames: usize = receipts.iter().map(|(_, of)| of.len()).sum();
        let messages = measured * MESSAGES_PER_S as usize;
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        deliveries.push(frames as f64 / (audience.len() * messages) as f64);
    }
    let name = format!(
        "deliveries of a message to a viewer: {VIEWERS} viewers, {MESSAGES_PER_S}/s, plan {LIMIT_PER_S}/s"
    );
    report.add(Row::median_of("realtime", name, &deliveries, "").with_most(TARGET));
    world.limit(0).await
}

/// Sends the messages of so many seconds, each when it is due; returns the last number.
async fn send(world: &World<'_>, session: Uuid, seconds: usize) -> Result<i64> {
    let client = world.streams.database.connect("postgres").await?;
    let statement = client
        .prepare(
            "select (stream.send_message($1, user_id => $2, content => 'hello', id => $3)).seq",
        )
        .await?;
    let begin = Instant::now();
    let mut last = 0;
    for number in 0..seconds * MESSAGES_PER_S as usize {
        let due = Duration::from_secs(number as u64) / MESSAGES_PER_S;
        tokio::time::sleep_until(begin + due).await;
        // Another viewer each time: nobody reaches the rate of one sender.
        let user = world.streams.users[number % VIEWERS];
        let row = client
            .query_one(&statement, &[&session, &user, &Uuid::new_v4()])
            .await?;
        last = row.get(0);
    }
    Ok(last)
}
