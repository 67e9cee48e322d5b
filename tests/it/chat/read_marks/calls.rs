//! Calls that mark messages as read and count the rest.

use anyhow::Result;
use serde_json::{Value, json};
use stream_tests::database::TestDatabase;
use stream_tests::session::Session;
use tokio_postgres::Error;
use uuid::Uuid;

pub fn marks(session: Uuid, ids: &[Value]) -> Value {
    let ids: Vec<&str> = ids.iter().filter_map(Value::as_str).collect();
    json!({"session_id": session, "user_id": null, "message_ids": format!("{{{}}}", ids.join(","))})
}

pub async fn mark(caller: &Session, session: Uuid, ids: &[Value]) -> Result<Value, Error> {
    caller
        .rpc("mark_messages_as_read", marks(session, ids))
        .await
}

pub async fn mark_up_to(
    caller: &Session,
    session: Uuid,
    seq: impl Into<Value>,
) -> Result<Value, Error> {
    let arguments = json!({"session_id": session, "user_id": null, "seq": seq.into()});
    caller.rpc("mark_read_up_to", arguments).await
}

pub async fn unread(caller: &Session, session: Uuid) -> Result<Value, Error> {
    caller
        .rpc("unread_count", json!({"session_id": session}))
        .await
}

/// The ids of the log in the order of seq.
pub async fn ids(database: &TestDatabase, session: Uuid) -> Result<Vec<Value>> {
    let log = database.log(session).await?;
    Ok(log.iter().map(|entry| entry["id"].clone()).collect())
}
