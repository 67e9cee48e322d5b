//! A send costs the same however long the log has grown since its statements were planned.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Entries that the log grows by behind the connections' back, and without an ANALYZE.
const GROWTH: i64 = 5000;

/// What one call may read of the log: the rows of its own indexes and frames.
const FEW: i64 = 300;

const SEND: &str = "select stream.send_message($1, $2, 'Is the blue one still there?', $3)";

const SEND_BATCH: &str = "select count(*) from stream.send_messages($1)";

/// A batch as large as a service under load sends.
fn batch(session: Uuid) -> serde_json::Value {
    let item = |_| {
        json!({
            "session_id": session, "user_id": demo::ADA, "content": "Is the blue one still there?",
            "id": Uuid::new_v4(),
        })
    };
    (0..64).map(item).collect()
}

async fn grow(database: &TestDatabase, session: Uuid) -> Result<()> {
    database
        .change(&format!(
            "with head as (
                 update stream.chat_heads set last_seq = last_seq + {GROWTH} where session_id = '{session}'
                 returning last_seq, last_at
             ), relay as (
                 update stream.chat_relay as r set flushed_seq = h.last_seq from head as h
                 where r.session_id = '{session}'
             )
             insert into stream.chat_messages (session_id, seq, user_id, username, content, created_at, updated_at)
             select '{session}', h.last_seq - {GROWTH} + n, '{ada}', 'ada', 'earlier', h.last_at, h.last_at
             from head as h cross join generate_series(1, {GROWTH}) as n",
            ada = demo::ADA,
        ))
        .await
}

/// Rows of the log that one call of the service reads on this connection.
async fn reads(connection: &Client, call: &str, arguments: &[&(dyn ToSql + Sync)]) -> Result<i64> {
    connection.batch_execute("begin").await?;
    connection.query(call, arguments).await?;
    let row = connection
        .query_one(
            "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables
             where schemaname = 'stream' and relname = 'chat_messages'",
            &[],
        )
        .await?;
    connection.batch_execute("commit").await?;
    Ok(row.get(0))
}

#[tokio::test]
async fn a_connection_that_planned_on_a_short_log_does_not_read_the_grown_one() -> Result<()> {
    reads_few_after_growth("analyze stream.chat_messages").await
}

/// As after the first entries of many streams: the session alone looks like a key.
#[tokio::test]
async fn a_connection_that_planned_on_logs_of_one_entry_does_not_read_the_grown_one() -> Result<()>
{
    reads_few_after_growth(
        "alter table stream.chat_messages alter column session_id set (n_distinct = -1);
         analyze stream.chat_messages",
    )
    .await
}

/// `before`: what happens after the first message.
async fn reads_few_after_growth(before: &str) -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    database.viewer(session, demo::ADA).await?;
    let connection = database.connect("postgres").await?;
    let send = async || reads(&connection, SEND, &[&session, &demo::ADA, &Uuid::new_v4()]).await;
    let send_batch = async || reads(&connection, SEND_BATCH, &[&batch(session)]).await;
    send().await?;
    database.change(before).await?;
    send().await?;
    send_batch().await?;
    grow(&database, session).await?;
    let (of_a_batch, of_a_message) = (send_batch().await?, send().await?);
    assert!(
        of_a_batch < FEW,
        "a batch read {of_a_batch} rows of the log"
    );
    assert!(
        of_a_message < FEW,
        "a message read {of_a_message} rows of the log"
    );
    Ok(())
}
