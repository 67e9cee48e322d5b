//! Viewers of a stream: join, leave, count.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::SessionPath;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{OptionalJsonBody, PathOf, QueryOf};
use crate::ids::{SessionId, UserId};
use crate::state::AppState;
use crate::upstream::functions;

/// `stream.viewer_lease`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct ViewerLease {
    session_id: SessionId,
    user_id: UserId,
    agora_uid: i32,
    join_no: i32,
    joined_at: String,
    viewer_count: i32,
}

/// May be left out: callers join for themselves.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Join {
    buyer_id: Option<UserId>,
}

pub async fn join(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    OptionalJsonBody(body): OptionalJsonBody<Join>,
) -> Result<Json<ViewerLease>, ApiError> {
    let call = functions::add_viewer(path.session_id, body.buyer_id);
    Ok(Json(state.ask(&caller, call).await?))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ViewerPath {
    session_id: SessionId,
    buyer_id: UserId,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Leave {
    join_no: Option<i32>,
}

/// `removed`, `not_joined`, or `superseded` when another device has joined since `joinNo`.
#[derive(Debug, Serialize)]
pub struct Left {
    result: String,
}

pub async fn leave(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<ViewerPath>,
    QueryOf(query): QueryOf<Leave>,
) -> Result<Json<Left>, ApiError> {
    let call = functions::remove_viewer(path.session_id, path.buyer_id, query.join_no);
    let result = state.ask(&caller, call).await?;
    Ok(Json(Left { result }))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ViewerCount {
    viewer_count: i32,
}

pub async fn count(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
) -> Result<Json<ViewerCount>, ApiError> {
    let call = functions::get_viewer_count(path.session_id);
    let viewer_count = state.ask(&caller, call).await?;
    Ok(Json(ViewerCount { viewer_count }))
}
