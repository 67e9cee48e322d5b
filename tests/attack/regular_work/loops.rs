//! The loop of pg_cron is killed, runs twice at once, and pauses between two minutes: nothing is lost, doubled or out of order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use serde_json::Value;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::{numbers, send_message};
use stream_tests::waiting::{wait_for, wait_until};
use tokio::task::JoinHandle;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

/// Loops as pg_cron starts them: the next behind the one before, and again after one that was ended. Each is short, so that
/// many begin and end.
struct Loops {
    tasks: Vec<JoinHandle<Result<()>>>,
    is_over: Arc<AtomicBool>,
}

impl Loops {
    async fn start(database: &TestDatabase, count: usize) -> Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut tasks = Vec::new();
        let block = Arc::new(database.tick_loop().await?);
        for _ in 0..count {
            let block = Arc::clone(&block);
            let url = database
                .environment
                .cluster
                .url("postgres", database.name())?;
            let is_over = Arc::clone(&is_over);
            tasks.push(tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let (client, connection) =
                        tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
                    tokio::spawn(connection);
                    // It ends at four fifths of this.
                    client
                        .batch_execute("set statement_timeout = '500ms'")
                        .await?;
                    // A loop that was killed is an error, and the next one begins.
                    let _ = client.batch_execute(&block).await;
                }
                Ok(())
            }));
        }
        Ok(Self { tasks, is_over })
    }

    async fn end(self) -> Result<()> {
        self.is_over.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await??;
        }
        Ok(())
    }
}

/// Messages of the seller in each stream, one after the other, while `meanwhile` is done again and again.
async fn chat_while(
    database: &TestDatabase,
    meanwhile: impl AsyncFn() -> Result<()>,
) -> Result<Vec<Uuid>> {
    const MESSAGES: i64 = 150;
    let mut senders = Vec::new();
    let mut streams = Vec::new();
    for _ in 0..4 {
        let id = database.stream_in(StreamState::Active).await?;
        streams.push(id);
        let seller = database.user(demo::SELLER).await?;
        senders.push(tokio::spawn(async move {
            for number in 0..MESSAGES {
                send_message(&seller, id, &number.to_string()).await?;
            }
            Ok::<_, anyhow::Error>(())
        }));
    }
    while !senders.iter().all(JoinHandle::is_finished) {
        meanwhile().await?;
    }
    for sender in senders {
        sender.await??;
    }
    Ok(streams)
}

/// Every entry of each log was sent, once, in the order of the log.
async fn expect_complete(database: &TestDatabase, streams: &[Uuid]) -> Result<()> {
    for id in streams {
        let all_sent = format!(
            "select r.flushed_seq = h.last_seq from stream.chat_heads as h
             join stream.chat_relay as r on r.session_id = h.session_id where h.session_id = '{id}'"
        );
        wait_until(&database.owner, &all_sent).await?;
        let frames = database.frames(*id).await?;
        let sent: Vec<i64> = frames
            .iter()
            .flat_map(|frame| numbers(frame["messages"].as_array().map_or(&[], Vec::as_slice)))
            .collect();
        let head = i64::try_from(database.log(*id).await?.len())?;
        assert_eq!(sent, (1..=head).collect::<Vec<_>>());
    }
    let troubles: Value = database
        .value("select coalesce(jsonb_agg(t), '[]') from stream.troubles as t")
        .await?;
    assert_eq!(troubles, serde_json::json!([]));
    Ok(())
}

/// Somebody else's transaction shows that a loop is at work, and is not counted.
async fn a_loop_to_kill(database: &TestDatabase) -> Result<i32> {
    let block = database.tick_loop().await?;
    wait_for("a loop that runs", async || {
        let row = database
            .owner
            .query_opt(
                "select pid from pg_stat_activity
                 where datname = current_database() and query = $1 and state <> 'idle' limit 1",
                &[&block],
            )
            .await?;
        Ok(row.map(|row| row.get(0)))
    })
    .await
}

#[tokio::test]
async fn two_loops_at_once_share_the_work() -> Result<()> {
    let database = TestDatabase::create().await?;
    let loops = Loops::start(&database, 2).await?;
    let streams = chat_while(&database, async || {
        database
            .viewer(database.stream_in(StreamState::Active).await?, demo::ADA)
            .await?;
        Ok(())
    })
    .await?;
    expect_complete(&database, &streams).await?;
    let counted = "select not exists (
        select from stream.stream_sessions as s where s.viewer_count <> (
            select count(*) from stream.stream_viewers as v where v.session_id = s.id and v.is_active))";
    wait_until(&database.owner, counted).await?;
    loops.end().await
}

#[tokio::test]
async fn a_loop_that_is_killed_loses_and_doubles_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let loops = Loops::start(&database, 1).await?;
    let superuser = database.superuser().await?;
    let streams = chat_while(&database, async || {
        let pid = a_loop_to_kill(&database).await?;
        superuser
            .execute("select pg_terminate_backend($1, 10000)", &[&pid])
            .await?;
        Ok(())
    })
    .await?;
    expect_complete(&database, &streams).await?;
    loops.end().await
}

/// While no loop runs, entries wait; the next loop, or a message that finds no ticker, sends them in order.
#[tokio::test]
async fn the_gap_between_two_loops_loses_and_reorders_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let owner = database.connect("postgres").await?;
    owner.batch_execute("set statement_timeout = '2s'").await?;
    let block = database.tick_loop().await?;
    for round in 0..3 {
        let running = run(&owner, &block);
        let sending = async {
            for number in 0..40 {
                send_message(&seller, id, &format!("{round}: {number}")).await?;
            }
            Ok::<_, anyhow::Error>(())
        };
        let (ran, sent) = tokio::join!(running, sending);
        ran?;
        sent?;
        // A ticker was at work a moment ago: what comes in quick succession is left to the next.
        for number in 0..3 {
            send_message(&seller, id, &format!("in gap {round}: {number}")).await?;
        }
    }
    run(&owner, &block).await?;
    expect_complete(&database, &[id]).await
}

/// A loop to its end, or to its statement_timeout on a machine that is too busy for its last units.
async fn run(owner: &Client, block: &str) -> Result<()> {
    match owner.batch_execute(block).await {
        Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => Ok(()),
        outcome => Ok(outcome?),
    }
}
