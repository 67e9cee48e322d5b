//! Heartbeats of a test's devices.

use serde_json::{Value, json};
use tokio_postgres::Error;
use uuid::Uuid;

use crate::session::Session;

/// A heartbeat that carries nothing but the session.
pub async fn send_heartbeat(caller: &Session, session: Uuid) -> Result<Value, Error> {
    send_heartbeat_with(caller, session, json!({})).await
}

/// A heartbeat with more arguments, by name.
pub async fn send_heartbeat_with(
    caller: &Session,
    session: Uuid,
    more: Value,
) -> Result<Value, Error> {
    let mut arguments = more;
    arguments["session_id"] = json!(session);
    caller.rpc("heartbeat", arguments).await
}
