//! Recoveries are counted, though `sync` writes nothing.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stream::send_message;
use stream_tests::waiting::wait_until;
use uuid::Uuid;

/// A reader whose transactions may not write, as PostgREST's for GET.
struct Reader {
    database: TestDatabase,
    stream: Uuid,
    ada: Session,
}

impl Reader {
    async fn start() -> Result<Self> {
        let database = TestDatabase::create().await?;
        let stream = database.stream_in(StreamState::Active).await?;
        let ada = database.viewer(stream, demo::ADA).await?;
        Ok(Self {
            database,
            stream,
            ada,
        })
    }

    async fn sync(&self, after_seq: Option<i64>, epoch: Option<&str>) -> Result<Value> {
        let arguments = json!({"session_id": self.stream, "after_seq": after_seq, "epoch": epoch});
        self.ada.begin_at("read committed read only").await?;
        let answer = self.ada.rpc_within("sync", arguments).await?;
        self.ada.rollback().await?;
        Ok(answer)
    }

    /// How many were complete, and how many were not.
    async fn counted(&self) -> Result<[f64; 2]> {
        // What a backend counts it hands on a moment later, or when it is told to.
        let flush = "select pg_stat_force_next_flush()";
        self.ada.execute_within(flush).await?;
        let mut counts = [0.0; 2];
        for (count, is_complete) in counts.iter_mut().zip(["true", "false"]) {
            let labels = json!({"complete": is_complete});
            let counted = self.database.figure("pg_stream_recoveries_total", labels);
            *count = counted.await?;
        }
        Ok(counts)
    }
}

#[tokio::test]
async fn a_recovery_is_counted_by_whether_it_held_everything() -> Result<()> {
    let reader = Reader::start().await?;
    let first = reader.sync(None, None).await?;
    let epoch = first["epoch"].as_str().context("an epoch")?;
    let head = first["head_seq"].as_i64();
    // Who held nothing recovers nothing, and whoever polls misses nothing.
    reader.sync(Some(0), None).await?;
    reader.sync(head, Some(epoch)).await?;
    assert_eq!(reader.counted().await?, [0.0, 0.0]);

    send_message(&reader.ada, reader.stream, "hello").await?;
    for (after_seq, epoch, expected) in [
        (head, Some(epoch), [1.0, 0.0]),
        (head, None, [2.0, 0.0]),
        (Some(0), Some(epoch), [3.0, 0.0]),
        (head, Some("another"), [3.0, 1.0]),
        (Some(1_000), Some(epoch), [3.0, 2.0]),
    ] {
        let answer = reader.sync(after_seq, epoch).await?;
        let asked = format!("{after_seq:?} {epoch:?}: {answer}");
        assert_eq!(reader.counted().await?, expected, "{asked}");
    }
    Ok(())
}

/// A nightly dump must not look like readers who lost their chats.
#[tokio::test]
async fn maintenance_counts_nothing() -> Result<()> {
    let reader = Reader::start().await?;
    let owner = &reader.database.owner;
    for maintenance in [
        "vacuum analyze stream.recoveries",
        "vacuum full stream.recoveries",
        "reindex table stream.recoveries",
        "select pg_stat_force_next_flush()",
    ] {
        owner.batch_execute(maintenance).await?;
    }
    let dumped = reader.database.run_program("pg_dump", &[])?;
    assert!(dumped.contains("COPY stream.recoveries"));
    // A process hands on what it has counted when it ends.
    let has_ended =
        "select not exists (select from pg_stat_activity where application_name = 'pg_dump')";
    wait_until(owner, has_ended).await?;
    assert_eq!(reader.counted().await?, [0.0, 0.0]);
    reader.sync(Some(1_000), None).await?;
    assert_eq!(reader.counted().await?, [0.0, 1.0]);
    Ok(())
}
