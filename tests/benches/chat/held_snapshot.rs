//! Cost of the tail queue while somebody holds a snapshot, as pg_dump does: rows that were taken stay in the
//! table until the snapshot is given up.

use std::time::{Duration, Instant};

use anyhow::Result;
use stream_tests::bench::{Report, Row, percentile};
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::population::BenchedStreams;

/// Ten minutes of ticks, 50 ms apart, and what 1,000 messages a second leave to each at most. They follow each
/// other at once here: it is the number of rows that counts.
const TICKS: usize = 12_000;
const TAILS: usize = 50;

/// Ticks that are measured before and after that; each sends one message of each stream.
const SAMPLES: usize = 101;

const TARGET: f64 = 2.0;

pub async fn measure(world: &BenchedStreams<'_>, report: &mut Report) -> Result<()> {
    let load = Load::connect(world).await?;
    let free = load.cost().await?;
    let dump = world.database.connect("postgres").await?;
    dump.batch_execute(
        "begin isolation level repeatable read; select count(*) from stream.chat_tails",
    )
    .await?;
    load.client
        .batch_execute("set synchronous_commit = off")
        .await?;
    for _ in 0..TICKS {
        load.client.execute(&load.note, &[&load.sessions]).await?;
        load.client.execute(&load.tick, &[]).await?;
    }
    load.client
        .batch_execute("reset synchronous_commit")
        .await?;
    let held = load.cost().await?;
    dump.batch_execute("rollback").await?;
    let rows = TICKS * TAILS;
    let row = Row::new(
        "chat",
        format!("tick, {TAILS} tails, snapshot held over {rows} rows, p50"),
        held,
        "ms",
    )
    .against("before them", free);
    let holds = row.ratio.is_some_and(|ratio| ratio <= TARGET);
    report.add(row.with_target(format!("ratio <= {TARGET}"), holds));
    Ok(())
}

struct Load {
    client: Client,
    sessions: Vec<Uuid>,
    note: Statement,
    unsend: Statement,
    tick: Statement,
}

impl Load {
    async fn connect(world: &BenchedStreams<'_>) -> Result<Self> {
        let client = world.database.connect("postgres").await?;
        let note = client
            .prepare("insert into stream.chat_tails (session_id) select unnest($1::uuid[])")
            .await?;
        let unsend = client
            .prepare(
                "update stream.chat_relay set flushed_seq = flushed_seq - 1
                 where session_id = any($1) and flushed_seq > 0",
            )
            .await?;
        let tick = client.prepare("select stream.tick()").await?;
        Ok(Self {
            client,
            sessions: world.sessions[..TAILS].to_vec(),
            note,
            unsend,
            tick,
        })
    }

    /// The median of a tick, in milliseconds.
    async fn cost(&self) -> Result<f64> {
        let mut times: Vec<Duration> = Vec::with_capacity(SAMPLES);
        for _ in 0..SAMPLES {
            self.client.execute(&self.unsend, &[&self.sessions]).await?;
            self.client.execute(&self.note, &[&self.sessions]).await?;
            let begin = Instant::now();
            self.client.execute(&self.tick, &[]).await?;
            times.push(begin.elapsed());
        }
        Ok(percentile(times, 0.5).as_secs_f64() * 1000.0)
    }
}
