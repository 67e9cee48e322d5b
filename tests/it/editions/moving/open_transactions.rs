//! Transactions that are open over a move go on in it, and a move to the native edition keeps what they may call until they end.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::waiting::wait_until;
use uuid::Uuid;
use xtask::edition::Edition;

use super::{LEFT, begin_move, move_to};

async fn send_within(session: &Session, stream: Uuid) -> Result<i64> {
    let arguments = json!({"session_id": stream, "content": "within", "id": Uuid::new_v4()});
    let sent = session.rpc_within("send_message", arguments).await?;
    Ok(sent["seq"].as_i64().unwrap_or(0))
}

#[tokio::test]
async fn a_transaction_that_is_open_over_moves_goes_on() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Native).await?;
    let stream = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(stream, demo::ADA).await?;
    ada.begin().await?;
    let first = send_within(&ada, stream).await?;
    move_to(&database, Edition::Sql).await?;
    let second = send_within(&ada, stream).await?;
    assert_eq!(second, first + 1);

    let moving = begin_move(&database, Edition::Native);
    wait_until(&database.owner, "select stream_private.is_native()").await?;
    let third = send_within(&ada, stream).await?;
    assert_eq!(third, first + 2);
    assert!(database.value::<i64>(LEFT).await? > 100);
    assert!(!moving.is_finished());
    ada.commit().await?;
    moving.await??;
    assert_eq!(database.value::<i64>(LEFT).await?, 0);
    let log = database.log(stream).await?;
    assert_eq!(log.len(), usize::try_from(third)?);
    Ok(())
}
