//! The cost of a message: alone, in one hot session, in batches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use stream_tests::bench::{Report, Row};
use stream_tests::database::TestDatabase;
use tokio_postgres::types::Json;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::baseline;
use crate::population::{BenchedStreams, CLIENTS, JOIN};

const ROUNDS: usize = 7;

/// Messages of one round, over all clients; whole batches.
const MESSAGES: usize = 4096;

const BATCH: usize = 64;

/// At least this share of the speed of the two inserts.
const TARGET: f64 = 0.8;

const CONTENT: &str = "Is the blue one still there? I would take two.";

const SEND: &str = "select (stream.send_message($1, $2, $3, $4)).seq";

const SEND_BATCH: &str = "select count(*) from stream.send_messages($1) as r where r.status = 'ok'";

pub async fn measure(world: &BenchedStreams<'_>, report: &mut Report) -> Result<()> {
    baseline::create(world.database).await?;
    let mut pairs = Vec::new();
    for session in world.sessions.iter() {
        pairs.extend(world.users[..CLIENTS].iter().map(|user| (*session, *user)));
    }
    world.call_for_all(JOIN, pairs).await?;
    for (conditions, fsync) in [("CPU-bound", "off"), ("durable", "on")] {
        set_fsync(world.database, fsync).await?;
        compare(world, report, conditions).await?;
    }
    Ok(())
}

async fn set_fsync(database: &TestDatabase, value: &str) -> Result<()> {
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(&format!("alter system set fsync = {value}"))
        .await?;
    superuser.batch_execute("select pg_reload_conf()").await?;
    stream_tests::waiting::wait_until(
        &database.owner,
        &format!("select current_setting('fsync') = '{value}'"),
    )
    .await
}

/// The connections of a run: kept over the rounds, as a pool keeps them.
struct Pool {
    senders: Vec<Arc<(Client, Statement)>>,
    inserters: Vec<Arc<baseline::Sender>>,
    batcher: (Client, Statement),
}

impl Pool {
    async fn connect(database: &TestDatabase) -> Result<Self> {
        let (mut senders, mut inserters) = (Vec::new(), Vec::new());
        for _ in 0..CLIENTS {
            let client = database.connect("postgres").await?;
            let statement = client.prepare(SEND).await?;
            senders.push(Arc::new((client, statement)));
            inserters.push(Arc::new(baseline::Sender::connect(database).await?));
        }
        let client = database.connect("postgres").await?;
        let statement = client.prepare(SEND_BATCH).await?;
        Ok(Self {
            senders,
            inserters,
            batcher: (client, statement),
        })
    }
}

async fn compare(world: &BenchedStreams<'_>, report: &mut Report, conditions: &str) -> Result<()> {
    let pool = Pool::connect(world.database).await?;
    let all = world.sessions.len();
    let mut rounds: [Vec<f64>; 4] = Default::default();
    for round in 0..=ROUNDS {
        let rates = [
            sends_per_second(world, &pool, all).await?,
            inserts_per_second(world, &pool, all).await?,
            sends_per_second(world, &pool, 1).await?,
            batched_per_second(world, &pool).await?,
        ];
        // The first round warms caches and plans.
        if round > 0 {
            for (rates, rate) in rounds.iter_mut().zip(rates) {
                rates.push(rate);
            }
        }
    }
    let [many, two_inserts, hot, batches] = &rounds;
    let in_rounds = |name: String, values: &[f64], baseline, baselines: &[f64]| {
        Row::in_rounds("chat", name, values, "1/s", baseline, baselines)
    };
    let row = in_rounds(
        format!("send_message, 100 sessions, {conditions}"),
        many,
        "BEGIN, two inserts, COMMIT",
        two_inserts,
    );
    let holds = row.ratio.is_some_and(|ratio| ratio >= TARGET);
    report.add(row.with_target(format!("ratio >= {TARGET}"), holds));
    report.add(in_rounds(
        format!("send_message, one hot session, {conditions}"),
        hot,
        "over 100 sessions",
        many,
    ));
    report.add(in_rounds(
        format!("send_messages, {BATCH} a batch, one session, {conditions}"),
        batches,
        "send_message over 100 sessions",
        many,
    ));
    Ok(())
}

async fn sends_per_second(world: &BenchedStreams<'_>, pool: &Pool, sessions: usize) -> Result<f64> {
    let mut tasks = tokio::task::JoinSet::new();
    let begin = Instant::now();
    for (place, sender) in pool.senders.iter().enumerate() {
        let (all, user) = (world.sessions.clone(), world.users[place]);
        let sender = Arc::clone(sender);
        tasks.spawn(async move {
            let (client, statement) = &*sender;
            for number in 0..MESSAGES / CLIENTS {
                let session = all[(number * CLIENTS + place) % sessions];
                let id = Uuid::new_v4();
                client
                    .query_one(statement, &[&session, &user, &CONTENT, &id])
                    .await?;
            }
            Ok::<(), anyhow::Error>(())
        });
    }
    finish(begin, tasks).await
}

async fn inserts_per_second(
    world: &BenchedStreams<'_>,
    pool: &Pool,
    sessions: usize,
) -> Result<f64> {
    let mut tasks = tokio::task::JoinSet::new();
    let begin = Instant::now();
    for (place, sender) in pool.inserters.iter().enumerate() {
        let (all, user) = (world.sessions.clone(), world.users[place]);
        let sender = Arc::clone(sender);
        tasks.spawn(async move {
            for number in 0..MESSAGES / CLIENTS {
                let session = all[(number * CLIENTS + place) % sessions];
                sender.send(session, user, CONTENT).await?;
            }
            Ok::<(), anyhow::Error>(())
        });
    }
    finish(begin, tasks).await
}

/// One client that always has a whole batch to send, as a service under load has.
async fn batched_per_second(world: &BenchedStreams<'_>, pool: &Pool) -> Result<f64> {
    let (client, statement) = &pool.batcher;
    let begin = Instant::now();
    for _ in 0..MESSAGES / BATCH {
        let items: Vec<_> = (0..BATCH)
            .map(|number| {
                json!({
                    "session_id": world.sessions[0], "user_id": world.users[number % CLIENTS],
                    "content": CONTENT, "id": Uuid::new_v4(),
                })
            })
            .collect();
        let row = client.query_one(statement, &[&Json(items)]).await?;
        let stored: i64 = row.get(0);
        anyhow::ensure!(
            usize::try_from(stored)? == BATCH,
            "only {stored} were stored"
        );
    }
    Ok(rate(begin.elapsed()))
}

async fn finish(begin: Instant, mut tasks: tokio::task::JoinSet<Result<()>>) -> Result<f64> {
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(rate(begin.elapsed()))
}

/// Messages per second.
fn rate(elapsed: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let messages = MESSAGES as f64;
    messages / elapsed.as_secs_f64()
}
