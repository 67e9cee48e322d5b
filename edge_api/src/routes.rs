//! What does each route do? One file per noun; a handler reads its input, makes a call and answers.

pub mod auction_updates;
pub mod errors;
pub mod health;
pub mod heartbeats;
pub mod messages;
pub mod moderation;
pub mod reads;
pub mod streams;
pub mod subscriptions;
pub mod tokens;
pub mod viewers;
pub mod webhooks;

use serde::Deserialize;

use crate::ids::SessionId;

/// `{sessionId}` of a path.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionPath {
    session_id: SessionId,
}
