//! Subscriptions: who follows the chat of a stream.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::SessionPath;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{OptionalJsonBody, PathOf};
use crate::ids::{SessionId, SubscriptionId, UserId};
use crate::state::AppState;
use crate::upstream::functions;

/// `stream.chat_subscription`: `channel` is the Realtime topic to join.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct Subscription {
    id: SubscriptionId,
    session_id: SessionId,
    user_id: UserId,
    channel: String,
    is_active: bool,
}

/// May be left out: callers subscribe for themselves.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subscribe {
    user_id: Option<UserId>,
}

pub async fn subscribe(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    OptionalJsonBody(body): OptionalJsonBody<Subscribe>,
) -> Result<Json<Subscription>, ApiError> {
    let call = functions::subscribe_to_chat(path.session_id, body.user_id);
    Ok(Json(state.ask(&caller, call).await?))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionPath {
    subscription_id: SubscriptionId,
}

pub async fn unsubscribe(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SubscriptionPath>,
) -> Result<Json<Subscription>, ApiError> {
    let call = functions::unsubscribe_from_chat(path.subscription_id);
    Ok(Json(state.ask(&caller, call).await?))
}
