//! Stream sessions: start, read, move.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;
use stream_core::lifecycle::StreamState;

use super::SessionPath;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{JsonBody, OptionalJsonBody, PathOf};
use crate::ids::{AuctionId, SessionId, UserId};
use crate::state::AppState;
use crate::upstream::{Call, functions};

/// `stream.session`. Times are RFC 3339 texts, as the database writes them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct StreamSession {
    id: SessionId,
    seller_id: UserId,
    auction_id: AuctionId,
    channel_id: String,
    state: String,
    state_reason: Option<String>,
    generation: i32,
    host_uid: Option<i32>,
    viewer_count: i32,
    peak_viewer_count: i32,
    created_at: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    state_changed_at: String,
    /// Until when a lost host may return; null when none was lost.
    reconnect_deadline: Option<String>,
    chat_mode: String,
    slow_mode_ms: i32,
    pinned_seq: Option<i64>,
    /// The app's own; not looked into.
    metadata: Box<RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Start {
    auction_id: AuctionId,
    seller_id: Option<UserId>,
    /// The range is checked by `stream.start_stream`.
    reconnect_window_s: Option<i32>,
}

pub async fn start(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<Start>,
) -> Result<Json<StreamSession>, ApiError> {
    let call = functions::start_stream(body.auction_id, body.seller_id, body.reconnect_window_s);
    Ok(Json(state.ask(&caller, call).await?))
}

pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
) -> Result<Json<StreamSession>, ApiError> {
    let call = functions::get_session(path.session_id);
    Ok(Json(state.ask(&caller, call).await?))
}

#[derive(Debug, Serialize)]
pub struct CurrentState {
    state: String,
}

pub async fn state(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
) -> Result<Json<CurrentState>, ApiError> {
    let call = functions::get_stream_state(path.session_id);
    let state = state.ask(&caller, call).await?;
    Ok(Json(CurrentState { state }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateChange {
    #[serde(deserialize_with = "stream_state")]
    state: StreamState,
    reason: Option<String>,
    generation: Option<i32>,
}

fn stream_state<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StreamState, D::Error> {
    let name = String::deserialize(deserializer)?;
    StreamState::parse(&name).ok_or_else(|| de::Error::custom("no such state"))
}

pub async fn change_state(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    JsonBody(body): JsonBody<StateChange>,
) -> Result<Json<StreamSession>, ApiError> {
    let call =
        functions::update_stream_state(path.session_id, body.state, body.reason, body.generation);
    Ok(Json(state.ask(&caller, call).await?))
}

/// The body of pause, resume and end; it may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Motion {
    generation: Option<i32>,
    reason: Option<String>,
}

pub async fn pause(
    state: State<AppState>,
    caller: Caller,
    path: PathOf<SessionPath>,
    body: OptionalJsonBody<Motion>,
) -> Result<Json<StreamSession>, ApiError> {
    move_stream(functions::pause_stream, state, caller, path, body).await
}

pub async fn resume(
    state: State<AppState>,
    caller: Caller,
    path: PathOf<SessionPath>,
    body: OptionalJsonBody<Motion>,
) -> Result<Json<StreamSession>, ApiError> {
    move_stream(functions::resume_stream, state, caller, path, body).await
}

pub async fn end(
    state: State<AppState>,
    caller: Caller,
    path: PathOf<SessionPath>,
    body: OptionalJsonBody<Motion>,
) -> Result<Json<StreamSession>, ApiError> {
    move_stream(functions::end_stream, state, caller, path, body).await
}

async fn move_stream(
    function: fn(SessionId, Option<i32>, Option<String>) -> Call,
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    OptionalJsonBody(body): OptionalJsonBody<Motion>,
) -> Result<Json<StreamSession>, ApiError> {
    let call = function(path.session_id, body.generation, body.reason);
    Ok(Json(state.ask(&caller, call).await?))
}
