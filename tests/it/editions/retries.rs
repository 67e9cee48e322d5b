//! Retries of messages on the SQL edition, which locks the row of a viewer only while its lease runs, and therefore leaves one alone
//! that another device of the sender has made valid meanwhile. The native edition locks it in any case.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::numbers;
use uuid::Uuid;
use xtask::edition::Edition;

fn message(session: Uuid, id: Uuid) -> Value {
    json!({"session_id": session, "user_id": null, "content": "hello", "id": id})
}

/// The sender's lease ends, a retry waits for the head, and behind it waits another device of theirs, which has joined and holds
/// the viewer's row.
#[tokio::test]
async fn a_retry_without_a_lease_leaves_the_row_of_a_device_that_joins_alone() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let session = database.stream_in(StreamState::Active).await?;
    let retry = database.viewer(session, demo::ADA).await?;
    let stored = message(session, Uuid::new_v4());
    let first = retry.rpc("send_message", stored.clone()).await?;
    let left = json!({"session_id": session});
    retry.rpc("remove_viewer", left).await?;

    let holder = database.connect("postgres").await?;
    holder
        .batch_execute("begin; select from stream.chat_heads for update")
        .await?;
    let backend = retry.backend().await?;
    let again = tokio::spawn(async move { retry.rpc("send_message", stored).await });
    wait_until_blocked(&database.owner, backend).await?;
    let other = database.viewer(session, demo::ADA).await?;
    let backend = other.backend().await?;
    let next = message(session, Uuid::new_v4());
    let new = tokio::spawn(async move { other.rpc("send_message", next).await });
    wait_until_blocked(&database.owner, backend).await?;
    holder.batch_execute("rollback").await?;

    assert_eq!(again.await??, first);
    assert_eq!(new.await??["seq"], 4);
    assert_eq!(numbers(&database.log(session).await?), [1, 2, 3, 4]);
    Ok(())
}
