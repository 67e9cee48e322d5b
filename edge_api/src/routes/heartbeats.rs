//! Heartbeats: of one device, and of many viewers for the service.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::SessionPath;
use super::tokens::AgoraToken;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{JsonBody, OptionalJsonBody, PathOf};
use crate::ids::{SessionId, UserId};
use crate::state::AppState;
use crate::timestamp::Timestamp;
use crate::uncached::Uncached;
use crate::upstream::functions::{self, Beat};

/// As many as `stream.heartbeats` takes.
const MAX_ITEMS: usize = 1000;

/// Room for [`MAX_ITEMS`]: an item has at most 141 bytes when written without spaces.
pub const BATCH_LIMIT_BYTES: usize = 256 * 1024;

/// May be left out as a whole, too. `generation` is the host's, `joinNo` a viewer's; `tokenExpiresAt` is the
/// `expiresAt` of the token that the device holds.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Heartbeat {
    /// The newest number of the log that the device holds. Reserved: it is handed on and changes nothing yet.
    last_seq: Option<i64>,
    foreground: Option<bool>,
    generation: Option<i32>,
    join_no: Option<i32>,
    user_id: Option<UserId>,
    token_expires_at: Option<Timestamp>,
}

/// `stream.heartbeat_result`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct HeartbeatResult {
    /// `ok`, or `superseded` when another device has joined since `joinNo`.
    status: String,
    session_id: SessionId,
    state: String,
    generation: i32,
    host_uid: Option<i32>,
    epoch: String,
    head_seq: i64,
    viewer_count: i32,
    reconnect_deadline: Option<String>,
    server_time: String,
    next_in_ms: i32,
    /// A fresh one when the caller's is near its end.
    token: Option<AgoraToken>,
}

pub async fn send(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    OptionalJsonBody(body): OptionalJsonBody<Heartbeat>,
) -> Result<Uncached<HeartbeatResult>, ApiError> {
    let beat = Beat {
        last_seq: body.last_seq,
        foreground: body.foreground,
        generation: body.generation,
        join_no: body.join_no,
        user_id: body.user_id,
        token_expires_at: body.token_expires_at,
    };
    let call = functions::heartbeat(path.session_id, beat);
    Ok(Uncached(state.ask(&caller, call).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    #[serde(deserialize_with = "each_by_itself")]
    items: Vec<Item>,
}

/// One viewer's; written with SQL's names. Without ids the database answers `invalid_argument`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all(deserialize = "camelCase"), deny_unknown_fields)]
struct Item {
    session_id: Option<SessionId>,
    user_id: Option<UserId>,
    foreground: Option<bool>,
    join_no: Option<i32>,
}

/// A malformed item becomes one without ids, so that it costs only itself.
fn each_by_itself<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Item>, D::Error> {
    let items = Vec::<Value>::deserialize(deserializer)?;
    let items = items.into_iter().map(|item| match item {
        // Serde would read an array as the fields in order.
        Value::Object(_) => Item::deserialize(item).unwrap_or_default(),
        _ => Item::default(),
    });
    Ok(items.collect())
}

/// `stream.heartbeat_status`: `item` counts from 1. After `lock_timeout` the item is sent again.
#[derive(Debug, Serialize, Deserialize)]
pub struct HeartbeatStatus {
    item: i32,
    status: String,
}

#[derive(Debug, Serialize)]
pub struct HeartbeatStatuses {
    items: Vec<HeartbeatStatus>,
}

pub async fn send_many(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<Batch>,
) -> Result<Json<HeartbeatStatuses>, ApiError> {
    if body.items.len() > MAX_ITEMS {
        return Err(ApiError::invalid_field("items", "longer than 1000"));
    }
    let items = serde_json::to_value(&body.items)
        .map_err(|_| ApiError::internal("heartbeats cannot be written as JSON"))?;
    let items = state.ask(&caller, functions::heartbeats(items)).await?;
    Ok(Json(HeartbeatStatuses { items }))
}
