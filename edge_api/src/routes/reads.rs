//! Read marks: which entries of a log a user has read, and how many are left.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::SessionPath;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{JsonBody, PathOf, QueryOf};
use crate::ids::{MessageId, UserId};
use crate::state::AppState;
use crate::upstream::functions;

/// Either single messages, or everything up to a seq.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mark {
    message_ids: Option<Vec<MessageId>>,
    up_to_seq: Option<i64>,
    user_id: Option<UserId>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unread {
    unread_count: i64,
}

pub async fn mark(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    JsonBody(body): JsonBody<Mark>,
) -> Result<Json<Unread>, ApiError> {
    let call = match (body.message_ids, body.up_to_seq) {
        (Some(ids), None) => functions::mark_messages_as_read(path.session_id, body.user_id, ids),
        (None, Some(seq)) => functions::mark_read_up_to(path.session_id, body.user_id, seq),
        _ => {
            return Err(ApiError::invalid_field(
                "messageIds",
                "either messageIds or upToSeq",
            ));
        }
    };
    let unread_count = state.ask(&caller, call).await?;
    Ok(Json(Unread { unread_count }))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reader {
    user_id: Option<UserId>,
}

pub async fn count(
    State(state): State<AppState>,
    caller: Caller,
    PathOf(path): PathOf<SessionPath>,
    QueryOf(reader): QueryOf<Reader>,
) -> Result<Json<Unread>, ApiError> {
    let call = functions::unread_count(path.session_id, reader.user_id);
    let unread_count = state.ask(&caller, call).await?;
    Ok(Json(Unread { unread_count }))
}
