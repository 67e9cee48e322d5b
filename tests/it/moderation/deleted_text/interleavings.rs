//! Deleting a message whose frame is not written yet, or is being written.

use anyhow::Result;
use serde_json::json;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::demo;
use stream_tests::moderation::{delete_message, restrict};
use stream_tests::stream::send_message;

use super::{ChatWithText, TEXT};

impl ChatWithText {
    /// A message that no frame carries yet, because a ticker was seen and a window is open.
    async fn leave_unflushed(&self) -> Result<serde_json::Value> {
        self.database
            .change(
                "update stream.ticker set sends_at = clock_timestamp(), swept_at = clock_timestamp();
                 update stream.chat_relay set flushed_at = clock_timestamp() + interval '40 milliseconds'",
            )
            .await?;
        // A connection of its own: others remember that there was no ticker.
        let ada = self.database.user(demo::ADA).await?;
        self.database
            .change("update stream.chat_relay set flushed_at = clock_timestamp()")
            .await?;
        let mut message = send_message(&ada, self.id, TEXT).await?;
        // On a machine that took longer than the window the message went out.
        while self.database.tables_with(TEXT).await?.len() == 2 {
            delete_message(&self.seller, self.id, &message).await?;
            self.database
                .change("update stream.chat_relay set flushed_at = clock_timestamp()")
                .await?;
            message = send_message(&ada, self.id, TEXT).await?;
        }
        Ok(message)
    }
}

#[tokio::test]
async fn a_message_that_is_deleted_before_its_frame_is_sent_as_a_tombstone() -> Result<()> {
    for function in ["delete_message", "delete_user_messages"] {
        let chat = ChatWithText::start().await?;
        let message = chat.leave_unflushed().await?;
        if function == "delete_message" {
            delete_message(&chat.seller, chat.id, &message).await?;
        } else {
            restrict(&chat.seller, function, chat.id, demo::ADA).await?;
        }
        chat.expect_no_text().await?;
        chat.database.tick().await?;
        chat.expect_no_text().await?;
        let frames = chat.database.frames(chat.id).await?;
        let tombstone = frames
            .iter()
            .flat_map(|frame| frame["messages"].as_array().cloned().unwrap_or_default())
            .find(|entry| entry["seq"] == message["seq"]);
        let tombstone = tombstone.unwrap_or_default();
        assert_eq!(tombstone["content"], "", "{frames:?}");
        assert!(tombstone["deleted_at"].is_string());
    }
    Ok(())
}

/// Whoever flushes holds the relay row until the frame is committed.
#[tokio::test]
async fn a_deletion_waits_for_the_frame_that_is_being_written() -> Result<()> {
    for function in ["delete_message", "delete_user_messages"] {
        let chat = ChatWithText::start().await?;
        let message = chat.leave_unflushed().await?;
        let flusher = chat.database.connect("postgres").await?;
        flusher
            .batch_execute("begin; set search_path = pg_catalog, pg_temp")
            .await?;
        flusher
            .execute("select stream_ext.flush($1)", &[&chat.id])
            .await?;
        let moderator = chat.database.user(demo::SELLER).await?;
        let backend = moderator.backend().await?;
        let (id, target) = (chat.id, message.clone());
        let deleting = tokio::spawn(async move {
            if function == "delete_message" {
                delete_message(&moderator, id, &target).await
            } else {
                restrict(&moderator, function, id, demo::ADA).await
            }
        });
        wait_until_blocked(&chat.database.owner, backend).await?;
        flusher.batch_execute("commit").await?;
        deleting.await??;
        chat.expect_no_text().await?;
    }
    Ok(())
}

/// The other way round: the frame is written behind the deletion, and shows the tombstone.
#[tokio::test]
async fn a_frame_that_waits_for_a_deletion_carries_no_text() -> Result<()> {
    let chat = ChatWithText::start().await?;
    let message = chat.leave_unflushed().await?;
    chat.seller.begin().await?;
    let arguments = json!({"session_id": chat.id, "message_id": message["id"]});
    chat.seller.rpc_within("delete_message", arguments).await?;
    let flusher = chat.database.connect("postgres").await?;
    flusher
        .batch_execute("set search_path = pg_catalog, pg_temp")
        .await?;
    let backend: i32 = flusher
        .query_one("select pg_backend_pid()", &[])
        .await?
        .get(0);
    let id = chat.id;
    let flushing =
        tokio::spawn(async move { flusher.execute("select stream_ext.flush($1)", &[&id]).await });
    wait_until_blocked(&chat.database.owner, backend).await?;
    chat.seller.commit().await?;
    flushing.await??;
    chat.expect_no_text().await
}

/// A long transaction that posts a bid: its frame is dated when it is written, so it lies behind messages
/// that were sent after the transaction began.
#[tokio::test]
async fn a_frame_of_a_long_transaction_lies_behind_the_messages_before_it() -> Result<()> {
    let chat = ChatWithText::start().await?;
    let service = chat.database.service().await?;
    service.begin().await?;
    service.execute_within("select 1").await?;
    let message = chat.leave_unflushed().await?;
    // Takes along what waits: the message that is younger than the transaction.
    let update = json!({"session_id": chat.id, "update": {"price": 1}});
    service.rpc_within("post_auction_update", update).await?;
    service.commit().await?;
    assert_eq!(chat.database.tables_with(TEXT).await?.len(), 2);
    let is_behind: bool = chat
        .database
        .value(
            "select bool_and(r.inserted_at at time zone 'UTC' >= m.created_at)
             from realtime.messages as r
             join stream.chat_messages as m on r.topic = 'chat:' || m.session_id
                 and m.seq between (r.payload ->> 'from_seq')::bigint and (r.payload ->> 'to_seq')::bigint",
        )
        .await?;
    assert!(is_behind);
    delete_message(&chat.seller, chat.id, &message).await?;
    chat.expect_no_text().await
}
