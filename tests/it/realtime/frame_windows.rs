//! Windows of the shortest length: messages wait in them for a ticker that sends them soon, and for no other.

use anyhow::Result;
use serde_json::json;
use stream_tests::demo;
use stream_tests::stream::send_message;
use stream_tests::waiting::wait_for;

use super::frames::FramedChat;

impl FramedChat {
    /// Fails unless every frame of messages was written after the window that the one before had opened. A slow machine may write
    /// one for each message.
    async fn expect_windows(&self) -> Result<()> {
        let apart = format!(
            "select coalesce(jsonb_agg(extract(epoch from f.at - f.before) * 1000), '[]')
             from (
                 select (m.payload ->> 'server_time')::timestamptz as at,
                     lag((m.payload ->> 'server_time')::timestamptz) over (order by m.payload -> 'from_seq') as before
                 from realtime.messages as m
                 where m.topic = 'chat:{}' and m.event = 'messages' and (m.payload ->> 'from_seq')::bigint > 2
             ) as f
             where f.before is not null",
            self.session
        );
        let apart: serde_json::Value = self.database.value(&apart).await?;
        let apart: Vec<f64> = serde_json::from_value(apart)?;
        assert!(apart.iter().all(|ms| *ms > 50.0), "{apart:?} ms");
        Ok(())
    }

    /// Fails unless a tick sends all that is left, to the last entry.
    async fn expect_rest_by_tick(&self, last: i64) -> Result<()> {
        self.tick().await?;
        let runs = self.runs().await?;
        assert_eq!(runs.last().map(|run| run.1), Some(last), "{runs:?}");
        assert_eq!(self.database.queued_flushes().await?, 0);
        Ok(())
    }
}

#[tokio::test]
async fn in_a_window_messages_wait_for_the_ticker_and_go_out_together() -> Result<()> {
    let chat = FramedChat::with_ticker().await?;
    chat.set_window("0 s").await?;
    chat.ada.begin().await?;
    for number in 0..50 {
        let message = json!({"session_id": chat.session, "user_id": null, "content": number});
        chat.ada.rpc_within("send_message", message).await?;
    }
    chat.ada.commit().await?;
    chat.expect_windows().await?;
    chat.expect_rest_by_tick(52).await
}

/// One that comes once a second would keep them waiting for that long.
#[tokio::test]
async fn in_a_window_messages_do_not_wait_for_a_slow_ticker() -> Result<()> {
    let chat = FramedChat::start().await?;
    for (since_the_last, waits) in [("999 ms", false), ("601 ms", false), ("550 ms", true)] {
        chat.database
            .change(&format!(
                "begin; update stream.ticker set ticked_at = now() - interval '{since_the_last}', swept_at = now();
                 select stream.tick(); commit"
            ))
            .await?;
        let sends: bool = chat
            .database
            .value("select sends_at = ticked_at from stream.ticker")
            .await?;
        assert_eq!(sends, waits, "{since_the_last}");
    }
    // A connection of its own knows of no ticker before. Outside every window it looks for none, and plans its statements.
    let ada = chat.database.user(demo::ADA).await?;
    chat.set_window("1 hour").await?;
    send_message(&ada, chat.session, "at once").await?;
    assert_eq!(chat.database.queued_flushes().await?, 0);
    // On a busy machine a message may come behind the end of the window.
    wait_for("a message that waits for the ticker", async || {
        chat.set_window("0 s").await?;
        send_message(&ada, chat.session, "hi").await?;
        Ok((chat.database.queued_flushes().await? == 1).then_some(()))
    })
    .await
}

#[tokio::test]
async fn in_a_window_batches_wait_for_the_ticker_too() -> Result<()> {
    let chat = FramedChat::with_ticker().await?;
    let service = chat.database.service().await?;
    chat.set_window("0 s").await?;
    service.begin().await?;
    for number in 0..50 {
        let item = json!({"session_id": chat.session, "user_id": demo::ADA, "content": number.to_string()});
        service
            .rpc_within("send_messages", json!({"items": [item]}))
            .await?;
    }
    service.commit().await?;
    chat.expect_windows().await?;
    chat.expect_rest_by_tick(52).await
}
