//! How many heartbeats fit in a second, and does the table grow?

use anyhow::Result;
use stream_tests::bench::{Report, Row};
use uuid::Uuid;

use crate::world::{JOIN, World};

/// With a thousand users: four thousand leases. The fewer they are, the more the run compresses the
/// 15 s between two beats of one row, in which a dead version can be pruned.
const LEASES_PER_USER: usize = 4;

/// An hour of heartbeats every 15 s.
const BEATS_PER_VIEWER: usize = 240;

const HEARTBEAT: &str = "select (stream.heartbeat($1, user_id => $2)).status";

const TARGET_PER_SECOND: f64 = 5000.0;

pub async fn measure(world: &World<'_>, report: &mut Report) -> Result<()> {
    let viewers = join_several(world).await?;
    // Once around, so that every page has found its room for HOT updates.
    world.call_for_all(HEARTBEAT, viewers.clone()).await?;
    let before = table_bytes(world).await?;

    let beats = in_no_order(&viewers);
    #[expect(clippy::cast_precision_loss, reason = "a million")]
    let count = beats.len() as f64;
    let rate = count / world.call_for_all(HEARTBEAT, beats).await?.as_secs_f64();
    report.add(
        Row::new("viewers", "heartbeats", rate, "1/s")
            .with_target(format!(">= {TARGET_PER_SECOND}"), rate >= TARGET_PER_SECOND),
    );

    let after = table_bytes(world).await?;
    report.add(
        Row::new(
            "viewers",
            "table after an hour of heartbeats",
            after,
            "bytes",
        )
        .against("before", before)
        .with_target("no growth", after <= before),
    );
    Ok(())
}

/// Every user watches several streams.
async fn join_several(world: &World<'_>) -> Result<Vec<(Uuid, Uuid)>> {
    let sessions = world.sessions.len();
    let leases: Vec<(Uuid, Uuid)> = (0..world.users.len() * LEASES_PER_USER)
        .map(|place| {
            let (user, lease) = (place % world.users.len(), place / world.users.len());
            let session = (user + lease * sessions / LEASES_PER_USER) % sessions;
            (world.sessions[session], world.users[user])
        })
        .collect();
    world.call_for_all(JOIN, leases.clone()).await?;
    Ok(leases)
}

/// As many beats as every viewer has in an hour, mixed as those of independent devices are. In the
/// order of the rows, all clients would crowd on one page at a time and keep each other from pruning.
fn in_no_order(viewers: &[(Uuid, Uuid)]) -> Vec<(Uuid, Uuid)> {
    let mut state: u64 = 1;
    (0..viewers.len() * BEATS_PER_VIEWER)
        .map(|_| {
            // Knuth's MMIX generator; its upper bits are the random ones.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let random = usize::try_from(state >> 33).unwrap_or_default();
            viewers[random % viewers.len()]
        })
        .collect()
}

async fn table_bytes(world: &World<'_>) -> Result<f64> {
    let bytes: i64 = world
        .database
        .value("select pg_total_relation_size('stream.stream_viewers')")
        .await?;
    #[expect(clippy::cast_precision_loss, reason = "some megabytes")]
    Ok(bytes as f64)
}
