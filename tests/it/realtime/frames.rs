//! Frames of the chat: at once without a ticker, behind what waits, and by ticks; nothing is left behind.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stream::{move_to, send_message};
use uuid::Uuid;

impl FramedChat {
    /// A stream with a viewer, whose ticker was seen this moment.
    pub async fn with_ticker() -> Result<Self> {
        let chat = Self::start().await?;
        chat.database.set_ticker_alive(true).await?;
        Ok(chat)
    }

    pub async fn start() -> Result<Self> {
        let database = TestDatabase::create().await?;
        let session = database.stream_in(StreamState::Active).await?;
        let ada = database.viewer(session, demo::ADA).await?;
        Ok(Self {
            database,
            session,
            ada,
        })
    }

    async fn send_message(&self, text: &str) -> Result<()> {
        send_message(&self.ada, self.session, text).await?;
        Ok(())
    }

    /// From and to of every frame of chat.
    pub async fn runs(&self) -> Result<Vec<(i64, i64)>> {
        let frames = self.database.frames(self.session).await?;
        let number = |frame: &Value, key: &str| frame[key].as_i64().unwrap_or_default();
        Ok(frames
            .iter()
            .map(|frame| (number(frame, "from_seq"), number(frame, "to_seq")))
            .collect())
    }

    /// The window since the last frame is over, or has only begun.
    pub async fn set_window(&self, age: &str) -> Result<()> {
        self.database
            .change(&format!(
                "update stream.chat_relay set flushed_at = clock_timestamp() - interval '{age}'"
            ))
            .await
    }

    pub async fn tick(&self) -> Result<()> {
        self.database
            .service()
            .await?
            .rpc("tick", json!({}))
            .await?;
        Ok(())
    }
}

/// A live stream whose frames a test reads.
pub struct FramedChat {
    pub database: TestDatabase,
    pub session: Uuid,
    pub ada: Session,
}

#[tokio::test]
async fn without_a_ticker_every_message_goes_out_with_its_own_commit() -> Result<()> {
    let chat = FramedChat::start().await?;
    for text in ["one", "two", "three"] {
        chat.send_message(text).await?;
    }
    assert_eq!(chat.runs().await?, [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]);
    assert_eq!(chat.database.queued_flushes().await?, 0);
    Ok(())
}

#[tokio::test]
async fn after_the_window_a_message_takes_the_waiting_ones_along() -> Result<()> {
    let chat = FramedChat::with_ticker().await?;
    chat.set_window("1 hour").await?;
    chat.send_message("at once").await?;
    assert_eq!(chat.runs().await?.last(), Some(&(3, 3)));
    // Two entries that no frame carries, as a window leaves them.
    chat.database
        .change("update stream.chat_relay set flushed_seq = 1, flushed_at = flushed_at - interval '1 hour'")
        .await?;
    chat.database.set_ticker_alive(true).await?;
    chat.send_message("with the others").await?;
    assert_eq!(chat.runs().await?.last(), Some(&(2, 4)));
    Ok(())
}

#[tokio::test]
async fn a_state_change_does_not_wait_for_the_window() -> Result<()> {
    let chat = FramedChat::with_ticker().await?;
    chat.set_window("0 s").await?;
    let seller = chat.database.user(demo::SELLER).await?;
    move_to(&seller, chat.session, StreamState::Paused).await?;
    assert_eq!(chat.runs().await?.last(), Some(&(3, 3)));
    Ok(())
}

#[tokio::test]
async fn a_tail_is_sent_once_by_however_many_ticks() -> Result<()> {
    let chat = FramedChat::with_ticker().await?;
    chat.database
        .change(&format!(
            "update stream.chat_relay set flushed_seq = 0;
             insert into stream.chat_tails (session_id) values ('{0}'), ('{0}')",
            chat.session
        ))
        .await?;
    let known = chat.runs().await?.len();
    for _ in 0..3 {
        chat.tick().await?;
    }
    assert_eq!(chat.runs().await?.split_off(known), [(1, 2)]);
    assert_eq!(chat.database.queued_flushes().await?, 0);
    Ok(())
}

/// A writer holds the relay row: the ticker goes on and comes back for the tail.
#[tokio::test]
async fn a_ticker_never_waits_for_a_writer() -> Result<()> {
    let chat = FramedChat::with_ticker().await?;
    chat.database
        .change(&format!(
            "update stream.chat_relay set flushed_seq = 0;
             insert into stream.chat_tails (session_id) values ('{}')",
            chat.session
        ))
        .await?;
    let known = chat.runs().await?.len();
    let mut writer = chat.database.connect("postgres").await?;
    let writing = writer.transaction().await?;
    writing
        .execute("select from stream.chat_relay for update", &[])
        .await?;
    chat.tick().await?;
    assert_eq!(chat.runs().await?.len(), known);
    assert_eq!(chat.database.queued_flushes().await?, 1);
    writing.rollback().await?;
    chat.tick().await?;
    assert_eq!(chat.runs().await?.split_off(known), [(1, 2)]);
    Ok(())
}

/// A slow transaction holds the head: the ticker sends what is committed and does not wait.
#[tokio::test]
async fn a_tail_goes_out_while_a_slow_transaction_holds_the_head() -> Result<()> {
    let chat = FramedChat::with_ticker().await?;
    chat.database
        .change(&format!(
            "update stream.chat_relay set flushed_seq = 0;
             insert into stream.chat_tails (session_id) values ('{}')",
            chat.session
        ))
        .await?;
    let known = chat.runs().await?.len();
    let mut slow = chat.database.connect("postgres").await?;
    let bid = slow.transaction().await?;
    bid.execute("update stream.chat_heads set last_seq = last_seq + 1", &[])
        .await?;
    chat.tick().await?;
    assert_eq!(chat.runs().await?.split_off(known), [(1, 2)]);
    let frame = chat
        .database
        .frames(chat.session)
        .await?
        .pop()
        .expect("a frame");
    assert_eq!(
        frame["head_seq"], 2,
        "uncommitted numbers are nobody's head"
    );
    bid.rollback().await?;
    Ok(())
}

#[tokio::test]
async fn while_todays_partition_is_missing_messages_are_kept_and_sent_later() -> Result<()> {
    let chat = FramedChat::start().await?;
    chat.database.set_partition(false).await?;
    // A backend that has not yet seen the partition today.
    let ben = chat.database.viewer(chat.session, demo::BEN).await?;
    send_message(&ben, chat.session, "kept").await?;
    chat.tick().await?;
    assert_eq!(chat.database.queued_flushes().await?, 1);
    chat.database.set_partition(true).await?;
    chat.tick().await?;
    assert_eq!(chat.runs().await?.last(), Some(&(3, 3)));
    assert_eq!(chat.database.queued_flushes().await?, 0);
    Ok(())
}

/// Another frame is on its way, and with it the relay row held.
#[tokio::test]
async fn a_frame_that_waited_is_dated_when_it_goes_out() -> Result<()> {
    let FramedChat {
        database,
        session,
        ada,
    } = FramedChat::start().await?;
    let mut other = database.connect("postgres").await?;
    let sending = other.transaction().await?;
    sending
        .execute("select from stream.chat_relay for update", &[])
        .await?;
    let backend = ada.backend().await?;
    let call = tokio::spawn(async move { send_message(&ada, session, "hi").await });
    wait_until_blocked(&database.owner, backend).await?;
    let waiting_at: String = database.value("select clock_timestamp()::text").await?;
    sending.rollback().await?;
    call.await??;
    let frame = database.frames(session).await?.pop().expect("a frame");
    assert_eq!(frame["from_seq"], 3);
    let is_later = format!(
        "select '{}'::timestamptz >= '{waiting_at}'",
        frame["server_time"].as_str().unwrap_or_default()
    );
    assert!(database.value(&is_later).await?, "{is_later}");
    Ok(())
}

/// A frame dated ahead of the clock is from before the clock was set back.
#[tokio::test]
async fn a_window_that_lies_in_the_future_counts_as_passed() -> Result<()> {
    let chat = FramedChat::with_ticker().await?;
    chat.set_window("-1 hour").await?;
    chat.send_message("hi").await?;
    assert_eq!(chat.runs().await?.last(), Some(&(3, 3)));
    Ok(())
}
