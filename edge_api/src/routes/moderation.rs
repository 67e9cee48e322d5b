//! Moderation of a stream: delete, restrict, set the rules, pin, block terms, look back.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::SessionPath;
use super::streams::StreamSession;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{JsonBody, PathOf, QueryOf};
use crate::ids::{MessageId, SessionId, UserId};
use crate::state::AppState;
use crate::upstream::functions::moderation as functions;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessagePath {
    session_id: SessionId,
    message_id: MessageId,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserPath {
    session_id: SessionId,
    user_id: UserId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Why {
    reason: Option<String>,
}

/// What a call found: in the words of the SQL function.
#[derive(Debug, Serialize)]
pub struct Outcome {
    result: String,
}

pub async fn delete_message(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<MessagePath>,
    QueryOf(why): QueryOf<Why>,
) -> Result<Json<Outcome>, ApiError> {
    let call = functions::delete_message(path.session_id, path.message_id, why.reason);
    let result = state.ask(&caller, call).await?;
    Ok(Json(Outcome { result }))
}

#[derive(Debug, Serialize)]
pub struct Deleted {
    deleted: i32,
}

pub async fn delete_user_messages(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<UserPath>,
    QueryOf(why): QueryOf<Why>,
) -> Result<Json<Deleted>, ApiError> {
    let call = functions::delete_user_messages(path.session_id, path.user_id, why.reason);
    let deleted = state.ask(&caller, call).await?;
    Ok(Json(Deleted { deleted }))
}

/// `stream.restriction`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct Restriction {
    user_id: UserId,
    kind: String,
    until: Option<String>,
    /// Null: the service.
    actor: Option<UserId>,
    reason: Option<String>,
    created_at: String,
}

/// The ranges are checked by the SQL functions.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Restrict {
    user_id: UserId,
    duration_s: Option<i32>,
    reason: Option<String>,
}

pub async fn mute(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    JsonBody(body): JsonBody<Restrict>,
) -> Result<Json<Restriction>, ApiError> {
    let call = functions::mute_user(path.session_id, body.user_id, body.duration_s, body.reason);
    Ok(Json(state.ask(&caller, call).await?))
}

pub async fn ban(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    JsonBody(body): JsonBody<Restrict>,
) -> Result<Json<Restriction>, ApiError> {
    let call = functions::ban_user(path.session_id, body.user_id, body.duration_s, body.reason);
    Ok(Json(state.ask(&caller, call).await?))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lift {
    user_id: UserId,
    kind: String,
}

pub async fn lift(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    JsonBody(body): JsonBody<Lift>,
) -> Result<Json<Outcome>, ApiError> {
    let call = functions::lift_restriction(path.session_id, body.user_id, body.kind);
    let result = state.ask(&caller, call).await?;
    Ok(Json(Outcome { result }))
}

/// The default is that of the SQL function; page_size is checked there.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UsersPage {
    after: Option<UserId>,
    #[serde(default = "default_page_size", rename = "page_size")]
    page_size: i32,
}

const fn default_page_size() -> i32 {
    50
}

#[derive(Serialize)]
pub struct Restrictions {
    restrictions: Vec<Restriction>,
}

pub async fn restrictions(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    QueryOf(page): QueryOf<UsersPage>,
) -> Result<Json<Restrictions>, ApiError> {
    let call = functions::list_restrictions(path.session_id, page.after, page.page_size);
    let restrictions = state.ask(&caller, call).await?;
    Ok(Json(Restrictions { restrictions }))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SlowMode {
    interval_ms: i32,
}

pub async fn slow_mode(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    JsonBody(body): JsonBody<SlowMode>,
) -> Result<Json<StreamSession>, ApiError> {
    let call = functions::set_slow_mode(path.session_id, body.interval_ms);
    Ok(Json(state.ask(&caller, call).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatMode {
    mode: String,
}

pub async fn chat_mode(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    JsonBody(body): JsonBody<ChatMode>,
) -> Result<Json<StreamSession>, ApiError> {
    let call = functions::set_chat_mode(path.session_id, body.mode);
    Ok(Json(state.ask(&caller, call).await?))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pin {
    message_id: MessageId,
}

pub async fn pin(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    JsonBody(body): JsonBody<Pin>,
) -> Result<Json<StreamSession>, ApiError> {
    let call = functions::pin_message(path.session_id, body.message_id);
    Ok(Json(state.ask(&caller, call).await?))
}

pub async fn unpin(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
) -> Result<Json<StreamSession>, ApiError> {
    let call = functions::unpin_message(path.session_id);
    Ok(Json(state.ask(&caller, call).await?))
}

/// In the body of a block, in the query of its end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    term: String,
}

pub async fn block(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    JsonBody(body): JsonBody<Term>,
) -> Result<Json<Outcome>, ApiError> {
    let call = functions::block_term(path.session_id, body.term);
    let result = state.ask(&caller, call).await?;
    Ok(Json(Outcome { result }))
}

pub async fn unblock(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    QueryOf(query): QueryOf<Term>,
) -> Result<Json<Outcome>, ApiError> {
    let call = functions::unblock_term(path.session_id, query.term);
    let result = state.ask(&caller, call).await?;
    Ok(Json(Outcome { result }))
}

/// `stream.blocked_term`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct BlockedTerm {
    term: String,
    actor: Option<UserId>,
    created_at: String,
}

#[derive(Serialize)]
pub struct BlockedTerms {
    terms: Vec<BlockedTerm>,
}

pub async fn blocked_terms(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
) -> Result<Json<BlockedTerms>, ApiError> {
    let call = functions::list_blocked_terms(path.session_id);
    let terms = state.ask(&caller, call).await?;
    Ok(Json(BlockedTerms { terms }))
}

/// `stream.moderation_entry`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct Decision {
    id: i64,
    seq: Option<i64>,
    action: String,
    actor: Option<UserId>,
    user_id: Option<UserId>,
    target_seq: Option<i64>,
    reason: Option<String>,
    until: Option<String>,
    term: Option<String>,
    created_at: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogPage {
    before_id: Option<i64>,
    #[serde(default = "default_page_size", rename = "page_size")]
    page_size: i32,
}

#[derive(Serialize)]
pub struct Decisions {
    entries: Vec<Decision>,
}

pub async fn log(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    QueryOf(page): QueryOf<LogPage>,
) -> Result<Json<Decisions>, ApiError> {
    let call = functions::get_moderation_log(path.session_id, page.before_id, page.page_size);
    let entries = state.ask(&caller, call).await?;
    Ok(Json(Decisions { entries }))
}
