//! Batches that waited for something else, and messages that waited for a batch.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::refusal::expect_refusal;

use super::{
    assert_whole, ban, batch_and_wait, item, limited, owner_at_work, send_and_wait, statuses,
    watched,
};

/// What was stored before is answered; the other stream of the batch takes its message.
#[tokio::test]
async fn a_batch_that_waited_for_the_end_loses_only_what_is_new_there() -> Result<()> {
    let (database, session, ada) = watched(StreamState::Active).await?;
    let other = database.stream_in(StreamState::Active).await?;
    database.viewer(other, demo::ADA).await?;
    let known = item(session, demo::ADA);
    let mut retry = known.clone();
    retry["user_id"] = Value::Null;
    ada.rpc("send_message", retry).await?;
    let seller = database.user(demo::SELLER).await?;
    seller.begin().await?;
    seller
        .rpc_within("end_stream", json!({"session_id": session}))
        .await?;
    let items = json!([
        item(other, demo::ADA),
        item(session, demo::ADA),
        known,
        item(session, demo::SELLER)
    ]);
    let batch = batch_and_wait(&database, items).await?;
    seller.commit().await?;
    let answers = batch.await??;
    assert_eq!(
        statuses(&answers),
        ["ok", "stream_ended", "ok", "stream_ended"]
    );
    assert_eq!(answers[2]["message"]["seq"], 3);
    assert_whole(&database, session, 4).await?;
    assert_whole(&database, other, 3).await
}

#[tokio::test]
async fn a_batch_that_waited_for_a_ban_refuses_the_banned_alone() -> Result<()> {
    let (database, session, _) = watched(StreamState::Active).await?;
    database.viewer(session, demo::BEN).await?;
    let moderator = owner_at_work(&database).await?;
    ban(&moderator, session, demo::ADA).await?;
    let items = json!([item(session, demo::ADA), item(session, demo::BEN)]);
    let batch = batch_and_wait(&database, items).await?;
    moderator.batch_execute("commit").await?;
    assert_eq!(statuses(&batch.await??), ["banned", "ok"]);
    assert_whole(&database, session, 3).await
}

#[tokio::test]
async fn a_batch_that_waited_while_one_of_its_senders_left_refuses_them_alone() -> Result<()> {
    let (database, session, ada) = watched(StreamState::Active).await?;
    database.viewer(session, demo::BEN).await?;
    ada.begin().await?;
    ada.rpc_within("remove_viewer", json!({"session_id": session}))
        .await?;
    let items = json!([item(session, demo::BEN), item(session, demo::ADA)]);
    let batch = batch_and_wait(&database, items).await?;
    ada.commit().await?;
    assert_eq!(statuses(&batch.await??), ["ok", "not_viewer"]);
    assert_whole(&database, session, 3).await
}

#[tokio::test]
async fn a_batch_counts_the_message_of_the_same_user_that_it_waited_for() -> Result<()> {
    let (database, session, ada) = limited().await?;
    let arguments = json!({"session_id": session, "user_id": null, "content": "one"});
    ada.begin().await?;
    ada.rpc_within("send_message", arguments).await?;
    let items = json!([item(session, demo::ADA), item(session, demo::ADA)]);
    let batch = batch_and_wait(&database, items).await?;
    ada.commit().await?;
    assert_eq!(statuses(&batch.await??), ["ok", "rate_limited"]);
    assert_whole(&database, session, 4).await
}

#[tokio::test]
async fn a_message_counts_the_batch_of_the_same_user_that_it_waited_for() -> Result<()> {
    let (database, session, ada) = limited().await?;
    let service = database.service().await?;
    service.begin().await?;
    let items = json!({"items": [item(session, demo::ADA), item(session, demo::ADA)]});
    service.rpc_rows_within("send_messages", items).await?;
    let waiting = send_and_wait(&database, ada, session).await?;
    service.commit().await?;
    expect_refusal(ErrorCode::RateLimited, waiting.await?)?;
    assert_whole(&database, session, 4).await
}
