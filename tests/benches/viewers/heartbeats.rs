//! Heartbeats in a second, and the growth of their table in an hour.
//!
//! A device beats every 15 s, so five thousand beats a second are those of 75,000 devices. The hour is
//! played with fewer and in less time, each device in its turn as in truth. It is not played as fast
//! as the machine can: a busy processor keeps some backend waiting, snapshot in hand, for up to a
//! second at any speed of the hour, and what died since cannot be pruned.

use anyhow::{Context, Result};
use stream_tests::bench::{Report, Row};
use uuid::Uuid;

use crate::population::{BenchedStreams, JOIN, Work};

/// With a thousand users: five thousand leases, each of which beats once a second at the target's
/// pace. The hour takes four minutes.
const LEASES_PER_USER: usize = 5;

/// Parts of the hour whose growth is looked at each by itself.
const PARTS: usize = 7;

/// Every 15 s for an hour, rounded up.
const BEATS_PER_PART: usize = 240_usize.div_ceil(PARTS);

/// The first minute: every page finds its room for HOT updates.
const BEATS_TO_WARM_UP: usize = 4;

/// So many beats are fast enough to measure the speed.
const BEATS_AT_FULL_SPEED: usize = 40;

const HEARTBEAT: Work = Work {
    role: "postgres",
    statement: "select (stream.heartbeat($1, user_id => $2)).status",
};

const TARGET_PER_SECOND: u32 = 5000;

pub async fn measure(world: &BenchedStreams<'_>, report: &mut Report) -> Result<()> {
    let viewers = in_no_order(join_several(world).await?);
    // First on the fresh table: full speed leaves room behind that would hide growth.
    measure_growth(world, report, &viewers).await?;

    #[expect(clippy::cast_precision_loss, reason = "some hundred thousand")]
    let count = (viewers.len() * BEATS_AT_FULL_SPEED) as f64;
    let time = world
        .call_in_rounds(HEARTBEAT, viewers, BEATS_AT_FULL_SPEED, None)
        .await?;
    let rate = count / time.as_secs_f64();
    report.add(Row::new("viewers", "heartbeats", rate, "1/s").with_target(
        format!(">= {TARGET_PER_SECOND}"),
        rate >= f64::from(TARGET_PER_SECOND),
    ));
    Ok(())
}

/// The growth of single parts of the hour: one stall of the machine shows in one of them, heartbeats that are no HOT
/// updates show in all.
async fn measure_growth(
    world: &BenchedStreams<'_>,
    report: &mut Report,
    viewers: &[(Uuid, Uuid)],
) -> Result<()> {
    let heartbeat =
        |beats| world.call_in_rounds(HEARTBEAT, viewers.to_vec(), beats, Some(TARGET_PER_SECOND));
    heartbeat(BEATS_TO_WARM_UP).await?;
    let before = Table::read(world).await?;
    let mut sizes = vec![before.bytes];
    for _ in 0..PARTS {
        heartbeat(BEATS_PER_PART).await?;
        sizes.push(Table::read(world).await?.bytes);
    }
    let after = Table::read(world).await?;

    let (begins, ends) = (&sizes[..PARTS], &sizes[1..]);
    let row = Row::in_rounds(
        "viewers",
        "table after a seventh of an hour of heartbeats",
        ends,
        "bytes",
        "before",
        begins,
    );
    let holds = row.ratio.is_some_and(|ratio| ratio <= 1.0);
    report.add(row.with_target("no growth in the median of the parts", holds));
    report.add(
        Row::new(
            "viewers",
            "table after an hour of heartbeats",
            after.bytes,
            "bytes",
        )
        .against("before", before.bytes),
    );
    let updates = after.updates - before.updates;
    report.add(Row::new(
        "viewers",
        "heartbeats that were HOT updates",
        100.0 * (after.hot_updates - before.hot_updates) / updates,
        "%",
    ));
    Ok(())
}

/// Every user watches several streams.
async fn join_several(world: &BenchedStreams<'_>) -> Result<Vec<(Uuid, Uuid)>> {
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

/// Mixed as independent devices are: in the order of the rows, all clients would crowd on one page at
/// a time and keep each other from pruning it.
fn in_no_order(mut viewers: Vec<(Uuid, Uuid)>) -> Vec<(Uuid, Uuid)> {
    let mut state: u64 = 1;
    for place in (1..viewers.len()).rev() {
        // Knuth's MMIX generator; its upper bits are the random ones.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let random = usize::try_from(state >> 33).unwrap_or_default();
        viewers.swap(place, random % (place + 1));
    }
    viewers
}

struct Table {
    /// With its indexes.
    bytes: f64,
    updates: f64,
    hot_updates: f64,
}

impl Table {
    async fn read(world: &BenchedStreams<'_>) -> Result<Self> {
        let owner = &world.database.owner;
        // The clients were closed a moment ago, and a backend reports what it did when it ends.
        stream_tests::waiting::wait_until(
            owner,
            "select count(*) = 1 from pg_stat_activity as a
             where a.datname = current_database() and a.backend_type = 'client backend'",
        )
        .await?;
        owner
            .batch_execute("select pg_stat_clear_snapshot()")
            .await?;
        let row = owner
            .query_opt(
                "select pg_total_relation_size(t.relid)::float8,
                     t.n_tup_upd::float8, t.n_tup_hot_upd::float8
                 from pg_stat_user_tables as t
                 where t.schemaname = 'stream' and t.relname = 'stream_viewers'",
                &[],
            )
            .await?
            .context("no statistics of the table")?;
        Ok(Self {
            bytes: row.get(0),
            updates: row.get(1),
            hot_updates: row.get(2),
        })
    }
}
