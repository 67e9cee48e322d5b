//! Auction updates that the application's server posts; the database admits the service alone.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value};

use super::SessionPath;
use super::messages::ChatMessage;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{JsonBody, PathOf};
use crate::state::AppState;
use crate::upstream::functions;

pub async fn add(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    JsonBody(update): JsonBody<Map<String, Value>>,
) -> Result<Json<ChatMessage>, ApiError> {
    let call = functions::post_auction_update(path.session_id, Value::Object(update));
    Ok(Json(state.ask(&caller, call).await?))
}
