//! The statements of a backend without this product for a message: BEGIN, the chat row, the Realtime row,
//! COMMIT, into tables with the same keys, indexes and foreign keys.

use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::Result;
use stream_tests::database::TestDatabase;
use tokio_postgres::types::Json;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

/// A chat table like the product's, without its order, its limits and its frames.
pub async fn create(database: &TestDatabase) -> Result<()> {
    database
        .change(
            "create schema baseline;
             create table baseline.chat_messages (like stream.chat_messages including all);
             alter table baseline.chat_messages
                 add foreign key (session_id) references stream.stream_sessions (id) on delete cascade,
                 add foreign key (user_id) references auth.users (id) on delete set null",
        )
        .await
}

/// A connection that sends as such a backend does.
pub struct Sender {
    client: Client,
    chat: Statement,
    realtime: Statement,
}

impl Sender {
    pub async fn connect(database: &TestDatabase) -> Result<Self> {
        let client = database.connect("postgres").await?;
        let chat = client
            .prepare(
                "insert into baseline.chat_messages
                     (id, session_id, seq, user_id, username, content, created_at, updated_at)
                 values ($1, $2, $3, $4, 'bench', $5, now(), now())",
            )
            .await?;
        let realtime = client
            .prepare(
                "insert into realtime.messages
                     (topic, extension, payload, event, private, inserted_at, updated_at)
                 values ($1, 'broadcast', $2, 'message', true,
                     now() at time zone 'UTC', now() at time zone 'UTC')",
            )
            .await?;
        Ok(Self {
            client,
            chat,
            realtime,
        })
    }

    pub async fn send(&self, session: Uuid, user: Uuid, content: &str) -> Result<()> {
        static SEQ: AtomicI64 = AtomicI64::new(1);
        let seq = SEQ.fetch_add(1, Ordering::Relaxed);
        let id = Uuid::new_v4();
        let payload = Json(serde_json::json!({
            "id": id, "session_id": session, "seq": seq, "user_id": user, "username": "bench",
            "content": content, "message_type": "user_message",
        }));
        self.client.batch_execute("begin").await?;
        self.client
            .execute(&self.chat, &[&id, &session, &seq, &user, &content])
            .await?;
        self.client
            .execute(&self.realtime, &[&format!("chat:{session}"), &payload])
            .await?;
        Ok(self.client.batch_execute("commit").await?)
    }
}
