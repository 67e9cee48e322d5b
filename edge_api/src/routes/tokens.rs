//! Agora tokens for hosts and viewers. They are secrets: no cache may keep them.

use std::fmt;

use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::JsonBody;
use crate::ids::UserId;
use crate::state::AppState;
use crate::uncached::Uncached;
use crate::upstream::{Call, functions};

/// `stream.agora_token`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct AgoraToken {
    token: String,
    channel_id: String,
    uid: i32,
    expires_at: String,
    privileges: TokenPrivileges,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct TokenPrivileges {
    can_publish: bool,
    can_subscribe: bool,
    can_admin: bool,
}

impl fmt::Debug for AgoraToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgoraToken")
            .field("channel_id", &self.channel_id)
            .field("uid", &self.uid)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForSeller {
    seller_id: Option<UserId>,
    channel_id: String,
    generation: Option<i32>,
}

pub async fn seller(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<ForSeller>,
) -> Result<Uncached<AgoraToken>, ApiError> {
    let call = functions::generate_seller_token(body.seller_id, body.channel_id, body.generation);
    mint(&state, &caller, call).await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForBuyer {
    buyer_id: Option<UserId>,
    channel_id: String,
}

pub async fn buyer(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<ForBuyer>,
) -> Result<Uncached<AgoraToken>, ApiError> {
    let call = functions::generate_buyer_token(body.buyer_id, body.channel_id);
    mint(&state, &caller, call).await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForUser {
    user_id: Option<UserId>,
    channel_id: String,
    /// The host's; a viewer has none.
    generation: Option<i32>,
}

pub async fn refresh(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<ForUser>,
) -> Result<Uncached<AgoraToken>, ApiError> {
    let call = functions::refresh_token(body.user_id, body.channel_id, body.generation);
    mint(&state, &caller, call).await
}

/// Without `Debug`: it holds a token.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inspected {
    token: String,
    channel_id: Option<String>,
    account: Option<String>,
}

/// `stream.token_inspection`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct TokenInspection {
    version: String,
    app_id: String,
    channel_id: Option<String>,
    account: Option<String>,
    role: Option<String>,
    privileges: Vec<GrantedPrivilege>,
    issued_at: Option<String>,
    expires_at: String,
    is_expired: bool,
    is_signed: Option<bool>,
    signed_by: Option<String>,
}

/// `stream.granted_privilege`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct GrantedPrivilege {
    service: String,
    privilege: String,
    expires_at: String,
}

/// For the service alone, as the SQL function's grants say.
pub async fn inspect(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<Inspected>,
) -> Result<Uncached<TokenInspection>, ApiError> {
    let call = functions::inspect_token(body.token, body.channel_id, body.account);
    Ok(Uncached(state.ask(&caller, call).await?))
}

async fn mint(
    state: &AppState,
    caller: &Caller,
    call: Call,
) -> Result<Uncached<AgoraToken>, ApiError> {
    Ok(Uncached(state.ask(caller, call).await?))
}
