//! Calls that moderate, and the events that viewers saw of them.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio_postgres::Error;
use uuid::Uuid;

use crate::database::TestDatabase;
use crate::session::Session;

impl TestDatabase {
    /// A user whom `hook_can_moderate` admits everywhere.
    pub async fn moderator(&self, username: &str) -> Result<(Uuid, Session)> {
        let id = self.add_user(username).await?;
        self.change(&format!(
            "update public.users set is_moderator = true where id = '{id}'"
        ))
        .await?;
        Ok((id, self.user(id).await?))
    }

    /// The metadata of the entries of a session's log behind a number, in order.
    pub async fn events_after(&self, session: Uuid, seq: i64) -> Result<Vec<Value>> {
        let log = self.log(session).await?;
        let behind = log
            .into_iter()
            .filter(|entry| entry["seq"].as_i64() > Some(seq));
        Ok(behind.map(|entry| entry["metadata"].clone()).collect())
    }

    /// The newest number of a session's log.
    pub async fn head_seq(&self, session: Uuid) -> Result<i64> {
        self.value(&format!(
            "select h.last_seq from stream.chat_heads as h where h.session_id = '{session}'"
        ))
        .await
    }

    /// What was decided in a session, oldest first.
    pub async fn decisions(&self, session: Uuid) -> Result<Vec<Value>> {
        let rows = self
            .owner
            .query(
                "select to_jsonb(l) from stream.moderation_log as l
                 where l.session_id = $1 order by l.id",
                &[&session],
            )
            .await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

/// Mutes or bans until lifted.
pub async fn restrict(
    moderator: &Session,
    function: &str,
    session: Uuid,
    user: Uuid,
) -> Result<Value, Error> {
    let arguments = json!({"session_id": session, "user_id": user});
    moderator.rpc(function, arguments).await
}

pub async fn lift(
    moderator: &Session,
    session: Uuid,
    user: Uuid,
    kind: &str,
) -> Result<Value, Error> {
    let arguments = json!({"session_id": session, "user_id": user, "kind": kind});
    moderator.rpc("lift_restriction", arguments).await
}

pub async fn delete_message(
    moderator: &Session,
    session: Uuid,
    message: &Value,
) -> Result<Value, Error> {
    let arguments = json!({"session_id": session, "message_id": message["id"]});
    moderator.rpc("delete_message", arguments).await
}

/// The number of a message or an entry.
pub fn seq(message: &Value) -> Result<i64> {
    message["seq"].as_i64().context("no seq")
}

/// Mutes or bans for a time.
pub async fn restrict_for(
    moderator: &Session,
    function: &str,
    session: Uuid,
    user: Uuid,
    duration_s: i64,
) -> Result<Value, Error> {
    let arguments = json!({"session_id": session, "user_id": user, "duration_s": duration_s});
    moderator.rpc(function, arguments).await
}
