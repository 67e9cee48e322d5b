//! Retention of an old stream deletes its texts from frames that Realtime still keeps.

use anyhow::Result;
use stream_core::lifecycle::StreamState;
use stream_tests::stream::{move_to, send_message};
use uuid::Uuid;

use super::{ChatWithText, TEXT, WAYS_TO_WRITE};

/// The same time passes for the frames of the chats as for the stream; there is a partition for it.
const AGE: &str = "do $$
declare
    day date = (now() at time zone 'UTC')::date - 2;
begin
    execute format('create table realtime.messages_%s partition of realtime.messages
        for values from (%L) to (%L)', to_char(day, 'YYYY_MM_DD'), day, day + 1);
    update realtime.messages set inserted_at = inserted_at - interval '86460 s' where topic like 'chat:%';
end $$";

impl ChatWithText {
    /// Also where the columns are not as known.
    async fn kept_frames(&self, session: Uuid) -> Result<i64> {
        self.database
            .value(&format!(
                "select count(*) from realtime.messages where topic = 'chat:{session}'"
            ))
            .await
    }
}

#[tokio::test]
async fn a_stream_that_expires_takes_its_frames_in_batches() -> Result<()> {
    for change in WAYS_TO_WRITE {
        let chat = ChatWithText::start_after(change).await?;
        chat.database
            .change("update stream.config set sweep_batch_size = 10, retention_days = 1 where id")
            .await?;
        for number in 0..25 {
            send_message(&chat.ada, chat.id, &format!("{TEXT} {number}")).await?;
        }
        let other = chat.database.stream_in(StreamState::Active).await?;
        send_message(&chat.seller, other, "stays").await?;
        move_to(&chat.seller, chat.id, StreamState::Ended).await?;
        chat.database.sweep().await?;
        chat.database.pass_time(chat.id, 86_460).await?;
        chat.database.superuser().await?.batch_execute(AGE).await?;
        let frames = chat.kept_frames(chat.id).await?;
        assert_eq!(frames, 28);

        chat.database.sweep().await?;
        let left = chat.kept_frames(chat.id).await?;
        assert!((1..frames).contains(&left), "{left} frames");
        for _ in 0..4 {
            chat.database.sweep().await?;
        }
        chat.expect_no_text().await?;
        assert_eq!(chat.kept_frames(chat.id).await?, 0);
        assert_eq!(chat.kept_frames(other).await?, 3);
    }
    Ok(())
}

/// Whoever sends holds the relay row; nothing of the log goes before its frames.
#[tokio::test]
async fn a_stream_that_somebody_sends_for_expires_with_the_next_sweep() -> Result<()> {
    let chat = ChatWithText::start().await?;
    chat.send_text().await?;
    move_to(&chat.seller, chat.id, StreamState::Ended).await?;
    chat.database.sweep().await?;
    chat.database.pass_time(chat.id, 91 * 86_400).await?;
    let sender = chat.database.connect("postgres").await?;
    sender
        .batch_execute("begin; select from stream.chat_relay for update")
        .await?;
    let log = chat.database.log(chat.id).await?.len();
    chat.database.sweep().await?;
    assert_eq!(chat.database.log(chat.id).await?.len(), log);
    sender.batch_execute("rollback").await?;
    chat.database.sweep().await?;
    assert!(chat.database.log(chat.id).await?.is_empty());
    Ok(())
}
