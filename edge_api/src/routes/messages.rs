//! The log of a stream: send, page through, synchronise.

use std::fmt;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::SessionPath;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{JsonBody, PathOf, QueryOf};
use crate::ids::{MessageId, SessionId, UserId};
use crate::state::AppState;
use crate::upstream::functions::{self, Page};

/// `stream.chat_message`, or an entry of `sync`, which leaves out what all of them share.
#[derive(Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct ChatMessage {
    id: Option<MessageId>,
    session_id: Option<SessionId>,
    seq: i64,
    user_id: Option<UserId>,
    username: Option<String>,
    content: Option<String>,
    #[serde(rename(serialize = "timestamp", deserialize = "created_at"))]
    created_at: Option<String>,
    message_type: Option<String>,
    /// The app's own; not looked into.
    metadata: Option<Box<RawValue>>,
    deleted_at: Option<String>,
    /// True when this reader may not see the entry that holds the seq; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden: Option<bool>,
}

impl fmt::Debug for ChatMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatMessage")
            .field("id", &self.id)
            .field("session_id", &self.session_id)
            .field("seq", &self.seq)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Send {
    content: String,
    id: Option<MessageId>,
    user_id: Option<UserId>,
}

pub async fn send(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    JsonBody(body): JsonBody<Send>,
) -> Result<Json<ChatMessage>, ApiError> {
    let call = functions::send_message(path.session_id, body.user_id, body.content, body.id);
    Ok(Json(state.ask(&caller, call).await?))
}

/// The defaults are those of `stream.get_message_history`; its limits are checked there.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct History {
    #[serde(default = "default_page_size", rename = "page_size")]
    page_size: i32,
    #[serde(default)]
    skip: i32,
    before_seq: Option<i64>,
    after_seq: Option<i64>,
}

const fn default_page_size() -> i32 {
    50
}

#[derive(Debug, Serialize)]
pub struct Messages {
    messages: Vec<ChatMessage>,
}

pub async fn history(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    QueryOf(query): QueryOf<History>,
) -> Result<Json<Messages>, ApiError> {
    let page = Page {
        page_size: query.page_size,
        skip: query.skip,
        before_seq: query.before_seq,
        after_seq: query.after_seq,
    };
    let call = functions::get_message_history(path.session_id, page);
    let messages = state.ask(&caller, call).await?;
    Ok(Json(Messages { messages }))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessagePath {
    session_id: SessionId,
    message_id: MessageId,
}

pub async fn since(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<MessagePath>,
) -> Result<Json<Messages>, ApiError> {
    let call = functions::sync_messages(path.session_id, path.message_id);
    let messages = state.ask(&caller, call).await?;
    Ok(Json(Messages { messages }))
}

/// `stream.sync_result`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct SyncResult {
    session_id: SessionId,
    state: String,
    role: String,
    generation: i32,
    host_uid: Option<i32>,
    viewer_count: i32,
    epoch: String,
    head_seq: i64,
    oldest_seq: Option<i64>,
    recovered: bool,
    has_more: bool,
    messages: Vec<ChatMessage>,
    /// Pairs of the first and the last seq of each range that the caller has read.
    read: Vec<(i64, i64)>,
    unread_count: Option<i64>,
    cooldown_ms: i32,
    chat_mode: String,
    slow_mode_ms: i32,
    pinned_seq: Option<i64>,
    pinned: Option<ChatMessage>,
    restrictions: Vec<Restriction>,
    server_time: String,
}

/// A mute or a ban of the caller; without `until` it lasts until it is lifted.
#[derive(Debug, Serialize, Deserialize)]
struct Restriction {
    kind: String,
    until: Option<String>,
    reason: Option<String>,
}

impl SyncResult {
    /// Gives the messages the session that the database says once for all of them.
    pub(super) fn with_whole_messages(mut self) -> Self {
        for message in self.messages.iter_mut().chain(&mut self.pinned) {
            message.session_id.get_or_insert(self.session_id);
        }
        self
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Position {
    after_seq: Option<i64>,
    epoch: Option<String>,
}

pub async fn sync(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    QueryOf(query): QueryOf<Position>,
) -> Result<Json<SyncResult>, ApiError> {
    let call = functions::sync(path.session_id, query.after_seq, query.epoch);
    let answer: SyncResult = state.ask(&caller, call).await?;
    Ok(Json(answer.with_whole_messages()))
}
