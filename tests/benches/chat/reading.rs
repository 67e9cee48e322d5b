//! The cost of a resynchronisation and of a page of history, by the number of stored messages.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use stream_tests::bench::{Report, Row, percentile};
use stream_tests::database::TestDatabase;
use uuid::Uuid;

use crate::population::BenchedStreams;

/// Stored messages at which the same is measured: half in the session that is read, half in others.
const STORED: [(i64, &str); 3] = [(10_000, "10^4"), (1_000_000, "10^6"), (10_000_000, "10^7")];

const GAP: i64 = 1000;
const SYNCS: usize = 200;
const AT_ONCE: usize = 4;
const SYNC_TARGET_MS: f64 = 50.0;

const CROWD: usize = 100;
const CROWD_TARGET_S: f64 = 1.5;

/// Flat: no more than this times the figure at the fewest rows. Noise alone reaches half of it.
const FLAT: f64 = 2.0;

const SYNC: &str = "select (stream.sync($1, $2, null)).messages::text";

pub async fn measure(world: &BenchedStreams<'_>, report: &mut Report) -> Result<()> {
    let session = world.sessions[1];
    let mut fewest = None;
    for (stored, label) in STORED {
        fill(world, session, stored).await?;
        let sync = syncs(world.database, session, report, label).await?;
        crowd(world.database, session, report, label).await?;
        let pages = history(world.database, session, report, label).await?;
        let (first_sync, first_pages) = *fewest.get_or_insert((sync, pages));
        for (name, value, first) in [("sync", sync, first_sync), ("history", pages, first_pages)] {
            let row = Row::new("chat", format!("{name} p50, {label} stored"), value, "ms")
                .against("at 10^4", first);
            let holds = row.ratio.is_some_and(|ratio| ratio <= FLAT);
            report.add(row.with_target(format!("flat: ratio <= {FLAT}"), holds));
        }
    }
    Ok(())
}

/// Brings the stored messages to `total`, past the functions and the foreign keys.
async fn fill(world: &BenchedStreams<'_>, session: Uuid, total: i64) -> Result<()> {
    let superuser = world.database.superuser().await?;
    superuser
        .batch_execute("set session_replication_role = replica; set synchronous_commit = off")
        .await?;
    let others: Vec<Uuid> = world.sessions[2..].to_vec();
    let share = total / 2 / i64::try_from(others.len())?;
    for (ids, upto) in [(vec![session], total / 2), (others, share)] {
        superuser
            .execute(
                "insert into stream.chat_messages
                     (session_id, seq, user_id, username, content, created_at, updated_at)
                 select h.session_id, n, $3, 'bench', 'A message of usual length, number ' || n, at.time, at.time
                 from stream.chat_heads as h
                 cross join generate_series(h.last_seq + 1, $2) as n
                 cross join lateral (
                     select now() - interval '1 day' + n * interval '1 millisecond' as time) as at
                 where h.session_id = any($1)
                 order by h.session_id, n",
                &[&ids, &upto, &world.users[0]],
            )
            .await?;
        superuser
            .execute(
                "update stream.chat_heads set last_seq = greatest(last_seq, $2)
                 where session_id = any($1)",
                &[&ids, &upto],
            )
            .await?;
    }
    superuser
        .batch_execute(
            "update stream.chat_relay as r set flushed_seq = h.last_seq
             from stream.chat_heads as h where h.session_id = r.session_id",
        )
        .await?;
    superuser
        .batch_execute("vacuum (analyze) stream.chat_messages")
        .await?;
    Ok(superuser.batch_execute("checkpoint").await?)
}

async fn head(database: &TestDatabase, session: Uuid) -> Result<i64> {
    database
        .value(&format!(
            "select h.last_seq from stream.chat_heads as h where h.session_id = '{session}'"
        ))
        .await
}

/// Returns the median in milliseconds.
async fn syncs(
    database: &TestDatabase,
    session: Uuid,
    report: &mut Report,
    label: &str,
) -> Result<f64> {
    let head = head(database, session).await?;
    let times = at_once(database, AT_ONCE, SYNCS / AT_ONCE, session, head - GAP).await?;
    let p99 = milliseconds(percentile(times.clone(), 0.99));
    report.add(
        Row::new(
            "chat",
            format!("sync, gap of {GAP}, {AT_ONCE} at once, {label} stored, p99"),
            p99,
            "ms",
        )
        .with_target(format!("<= {SYNC_TARGET_MS}"), p99 <= SYNC_TARGET_MS),
    );
    Ok(milliseconds(percentile(times, 0.5)))
}

/// Everybody comes back at the same moment, as after an outage.
async fn crowd(
    database: &TestDatabase,
    session: Uuid,
    report: &mut Report,
    label: &str,
) -> Result<()> {
    let head = head(database, session).await?;
    let times = at_once(database, CROWD, 1, session, head - GAP).await?;
    let last = percentile(times, 1.0).as_secs_f64();
    report.add(
        Row::new(
            "chat",
            format!("sync, gap of {GAP}, {CROWD} at once, {label} stored, last"),
            last,
            "s",
        )
        .with_target(format!("<= {CROWD_TARGET_S}"), last <= CROWD_TARGET_S),
    );
    Ok(())
}

/// From so many connections, each so many times; every answer must hold the whole gap.
async fn at_once(
    database: &TestDatabase,
    connections: usize,
    times: usize,
    session: Uuid,
    after: i64,
) -> Result<Vec<Duration>> {
    let mut clients = Vec::new();
    for _ in 0..connections {
        let client = database.connect("postgres").await?;
        let statement = client.prepare(SYNC).await?;
        // Once before the clock runs: a connection that a pool has kept is planned and warm.
        client.query_one(&statement, &[&session, &after]).await?;
        clients.push((client, statement));
    }
    let start = Arc::new(tokio::sync::Barrier::new(connections));
    let mut tasks = tokio::task::JoinSet::new();
    for (client, statement) in clients {
        let start = Arc::clone(&start);
        tasks.spawn(async move {
            start.wait().await;
            let mut elapsed = Vec::new();
            for _ in 0..times {
                let begin = Instant::now();
                let row = client.query_one(&statement, &[&session, &after]).await?;
                elapsed.push(begin.elapsed());
                let messages = row.get::<_, &str>(0).matches("\"message_type\"").count();
                anyhow::ensure!(i64::try_from(messages)? == GAP, "{messages} messages");
            }
            Ok(elapsed)
        });
    }
    let mut all = Vec::new();
    while let Some(done) = tasks.join_next().await {
        all.extend(done??);
    }
    Ok(all)
}

/// The median of three kinds of pages, of 200 messages each.
async fn history(
    database: &TestDatabase,
    session: Uuid,
    report: &mut Report,
    label: &str,
) -> Result<f64> {
    let head = head(database, session).await?;
    let mut medians = Vec::new();
    for (name, arguments) in [
        ("newest", "200, 0, null, null".to_owned()),
        (
            "offset over half the log",
            format!("200, {}, null, null", head / 2),
        ),
        ("before a seq", format!("200, 0, {}, null", head / 2)),
    ] {
        let statement = database
            .owner
            .prepare(&format!(
                "select count(*) from stream.get_message_history($1, {arguments})"
            ))
            .await?;
        let mut times = Vec::new();
        for _ in 0..SYNCS {
            let begin = Instant::now();
            let row = database.owner.query_one(&statement, &[&session]).await?;
            times.push(begin.elapsed());
            let messages: i64 = row.get(0);
            anyhow::ensure!(messages == 200, "{messages} messages");
        }
        let median = milliseconds(percentile(times, 0.5));
        report.add(Row::new(
            "chat",
            format!("history, 200 {name}, {label} stored, p50"),
            median,
            "ms",
        ));
        medians.push(median);
    }
    Ok(medians.into_iter().fold(0.0, f64::max))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
