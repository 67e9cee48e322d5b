//! How does a device of a test say that it is still there?

use serde_json::{Value, json};
use tokio_postgres::Error;
use uuid::Uuid;

use crate::session::Session;

/// A heartbeat that carries nothing but the session.
pub async fn beat(caller: &Session, session: Uuid) -> Result<Value, Error> {
    beat_with(caller, session, json!({})).await
}

/// A heartbeat with more arguments, by name.
pub async fn beat_with(caller: &Session, session: Uuid, more: Value) -> Result<Value, Error> {
    let mut arguments = more;
    arguments["session_id"] = json!(session);
    caller.rpc("heartbeat", arguments).await
}
