//! Reading what was broadcast, and who may listen.

use anyhow::Result;
use serde_json::Value;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::database::TestDatabase;
use crate::identity::Identity;

/// One row of `realtime.messages`.
#[derive(Debug, Clone, PartialEq)]
pub struct Broadcast {
    pub topic: String,
    pub event: String,
    pub payload: Value,
    pub private: bool,
    pub extension: String,
}

impl TestDatabase {
    /// Every broadcast to a topic, oldest first.
    pub async fn broadcasts(&self, topic: &str) -> Result<Vec<Broadcast>> {
        // Not by inserted_at alone: Realtime's own function dates by the begin of the transaction. The
        // server's time is read under the lock of the session; frames of one flush share it.
        let rows = self
            .owner
            .query(
                "select m.topic, m.event, m.payload, m.private, m.extension
                 from realtime.messages as m where m.topic = $1
                 order by (m.payload ->> 'server_time')::timestamptz, m.inserted_at, m.ctid",
                &[&topic],
            )
            .await?;
        let broadcasts = rows.iter().map(|row| Broadcast {
            topic: row.get(0),
            event: row.get(1),
            payload: row.get(2),
            private: row.get(3),
            extension: row.get(4),
        });
        Ok(broadcasts.collect())
    }

    /// The payloads of the frames of a session's chat, oldest first.
    pub async fn frames(&self, session: Uuid) -> Result<Vec<Value>> {
        let broadcasts = self.broadcasts(&format!("chat:{session}")).await?;
        Ok(broadcasts.into_iter().map(|row| row.payload).collect())
    }

    /// The payloads of a session's state events, oldest first.
    pub async fn state_events(&self, session: Uuid) -> Result<Vec<Value>> {
        let broadcasts = self.broadcasts(&format!("stream:{session}")).await?;
        Ok(broadcasts.into_iter().map(|row| row.payload).collect())
    }
}

/// Whether this identity may read a topic, asked as Realtime does it: a row that is rolled back is written
/// with the gateway's rights and looked for with the subscriber's.
pub async fn may_read(
    gateway: &mut Client,
    identity: &Identity,
    topic: &str,
    extension: &str,
) -> Result<bool> {
    let transaction = gateway.transaction().await?;
    let probe = Uuid::new_v4();
    transaction
        .execute(
            "insert into realtime.messages (id, topic, extension) values ($1, $2, $3)",
            &[&probe, &topic, &extension],
        )
        .await?;
    transaction
        .execute(
            "select set_config('role', $1, true), set_config('realtime.topic', $2, true),
                 set_config('request.jwt.claims', $3, true)",
            &[&identity.role, &topic, &identity.claims_text()],
        )
        .await?;
    let seen = transaction
        .query("select id from realtime.messages where id = $1", &[&probe])
        .await?;
    transaction.rollback().await?;
    Ok(!seen.is_empty())
}
