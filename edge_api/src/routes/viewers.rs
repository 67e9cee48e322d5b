//! Viewers of a stream: join, leave, count, list.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::SessionPath;
use super::messages::SyncResult;
use super::tokens::AgoraToken;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{OptionalJsonBody, PathOf, QueryOf};
use crate::ids::{SessionId, UserId};
use crate::state::AppState;
use crate::uncached::Uncached;
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
}

/// May be left out: callers join for themselves.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Add {
    buyer_id: Option<UserId>,
}

pub async fn add(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    OptionalJsonBody(body): OptionalJsonBody<Add>,
) -> Result<Json<ViewerLease>, ApiError> {
    let call = functions::add_viewer(path.session_id, body.buyer_id);
    Ok(Json(state.ask(&caller, call).await?))
}

/// `stream.join_result`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct JoinResult {
    lease: ViewerLease,
    /// Nothing beyond the rate, when none can be handed out again.
    token: Option<AgoraToken>,
    /// When there is a token, where there is none.
    retry_after_ms: Option<i64>,
    sync: SyncResult,
}

/// Who joins is said by the access token alone.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {}

pub async fn join(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    OptionalJsonBody(Join {}): OptionalJsonBody<Join>,
) -> Result<Uncached<JoinResult>, ApiError> {
    let call = functions::join_stream(path.session_id);
    let joined: JoinResult = state.ask(&caller, call).await?;
    Ok(Uncached(JoinResult {
        sync: joined.sync.with_whole_messages(),
        ..joined
    }))
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

/// `stream.viewer`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct Viewer {
    user_id: UserId,
    agora_uid: i32,
    joined_at: String,
    last_seen_at: String,
    foreground: bool,
    watch_ms: i64,
}

/// The default is that of `stream.get_viewers`; page_size is checked there.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Page {
    after: Option<UserId>,
    #[serde(default = "default_page_size", rename = "page_size")]
    page_size: i32,
}

const fn default_page_size() -> i32 {
    50
}

#[derive(Debug, Serialize)]
pub struct Viewers {
    viewers: Vec<Viewer>,
}

pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    QueryOf(page): QueryOf<Page>,
) -> Result<Json<Viewers>, ApiError> {
    let call = functions::get_viewers(path.session_id, page.after, page.page_size);
    let viewers = state.ask(&caller, call).await?;
    Ok(Json(Viewers { viewers }))
}
