//! A deleted text is in no table of the database, the frames that Realtime could replay included.

mod frames;
mod interleavings;
mod plans;
mod retention;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::moderation::{delete_message, restrict};
use stream_tests::session::Session;
use stream_tests::stream::{move_to, send_message};
use uuid::Uuid;

/// Of letters only, so that it looks the same in text, JSON and rows.
pub const TEXT: &str = "unspeakable";

/// A column that a direct insert names and Realtime's own function does not.
const LEFT_TO_REALTIME: &str =
    "alter table realtime.messages rename column updated_at to changed_at";

/// A column by which stored frames are found has another type; Realtime's own function still writes.
const NOT_AS_KNOWN: &str = "
    drop policy stream_topics_read on realtime.messages;
    drop index realtime.messages_inserted_at_topic_index;
    alter table realtime.messages alter column private drop default;
    alter table realtime.messages alter column private type text";

pub struct ChatWithText {
    pub database: TestDatabase,
    pub id: Uuid,
    pub ada: Session,
    pub ben: Session,
    pub seller: Session,
}

impl ChatWithText {
    pub async fn start() -> Result<Self> {
        Self::start_after("").await
    }

    /// Changes Realtime's side before anything is written.
    pub async fn start_after(change: &str) -> Result<Self> {
        let database = TestDatabase::create().await?;
        database.superuser().await?.batch_execute(change).await?;
        let id = database.stream_in(StreamState::Active).await?;
        Ok(Self {
            id,
            ada: database.viewer(id, demo::ADA).await?,
            ben: database.viewer(id, demo::BEN).await?,
            seller: database.user(demo::SELLER).await?,
            database,
        })
    }

    /// Sends the text and shows that it is in the log and in a partition of Realtime's table.
    pub async fn send_text(&self) -> Result<Value> {
        let message = send_message(&self.ada, self.id, TEXT).await?;
        let tables = self.database.tables_with(TEXT).await?;
        ensure!(
            tables.len() == 2
                && tables[0].starts_with("realtime.messages_")
                && tables[1] == "stream.chat_messages",
            "{tables:?}"
        );
        Ok(message)
    }

    pub async fn expect_no_text(&self) -> Result<()> {
        let tables = self.database.tables_with(TEXT).await?;
        ensure!(tables.is_empty(), "the text is in {tables:?}");
        Ok(())
    }

    pub async fn pin(&self, message: &Value) -> Result<()> {
        let pin = json!({"session_id": self.id, "message_id": message["id"]});
        self.seller.rpc("pin_message", pin).await?;
        Ok(())
    }
}

/// Written directly, by Realtime's own function, and where the columns are not as known.
pub const WAYS_TO_WRITE: [&str; 3] = ["", LEFT_TO_REALTIME, NOT_AS_KNOWN];

#[tokio::test]
async fn a_deleted_message_leaves_no_copy() -> Result<()> {
    for change in WAYS_TO_WRITE {
        let chat = ChatWithText::start_after(change).await?;
        for moderator in [&chat.seller, &chat.ada] {
            let message = chat.send_text().await?;
            send_message(&chat.ben, chat.id, "after it").await?;
            assert_eq!(
                delete_message(moderator, chat.id, &message).await?,
                "deleted"
            );
            chat.expect_no_text().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_deleted_messages_of_a_user_leave_no_copy() -> Result<()> {
    for change in WAYS_TO_WRITE {
        let chat = ChatWithText::start_after(change).await?;
        for number in 0..5 {
            send_message(&chat.ada, chat.id, &format!("{TEXT} {number}")).await?;
            send_message(&chat.ben, chat.id, &number.to_string()).await?;
        }
        let count = restrict(&chat.seller, "delete_user_messages", chat.id, demo::ADA).await?;
        assert_eq!(count, 5);
        chat.expect_no_text().await?;
        // The messages of others stay.
        let log = chat.database.log(chat.id).await?;
        let others = log
            .iter()
            .filter(|entry| entry["user_id"] == json!(demo::BEN) && entry["content"] != "");
        assert_eq!(others.count(), 5);
    }
    Ok(())
}

#[tokio::test]
async fn a_pinned_message_leaves_no_copy_when_it_is_deleted() -> Result<()> {
    let chat = ChatWithText::start().await?;
    let message = chat.send_text().await?;
    chat.pin(&message).await?;
    delete_message(&chat.seller, chat.id, &message).await?;
    chat.expect_no_text().await
}

#[tokio::test]
async fn a_message_of_an_ended_stream_leaves_no_copy_when_it_is_deleted() -> Result<()> {
    let chat = ChatWithText::start().await?;
    let message = chat.send_text().await?;
    let other = send_message(&chat.ada, chat.id, TEXT).await?;
    move_to(&chat.seller, chat.id, StreamState::Ended).await?;
    delete_message(&chat.seller, chat.id, &message).await?;
    assert_eq!(
        restrict(&chat.seller, "delete_user_messages", chat.id, demo::ADA).await?,
        1
    );
    chat.expect_no_text().await?;
    let again = delete_message(&chat.seller, chat.id, &other).await?;
    assert_eq!(again, "already_deleted");
    Ok(())
}

#[tokio::test]
async fn the_planners_statistics_of_the_log_hold_no_text() -> Result<()> {
    let chat = ChatWithText::start().await?;
    for _ in 0..300 {
        send_message(&chat.ada, chat.id, TEXT).await?;
    }
    let superuser = chat.database.superuser().await?;
    superuser.batch_execute("analyze").await?;
    let with_text: Vec<String> = superuser
        .query(
            "select distinct s.starelid::regclass::text from pg_catalog.pg_statistic as s
             join pg_catalog.pg_class as c on c.oid = s.starelid
             where strpos(s::text, $1) > 0 and c.relnamespace = 'stream'::regnamespace",
            &[&TEXT],
        )
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert!(with_text.is_empty(), "{with_text:?}");
    Ok(())
}
