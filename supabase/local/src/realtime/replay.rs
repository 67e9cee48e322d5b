//! Broadcast Replay: the newest stored messages of a private topic, for a client that joins it.

use std::collections::HashSet;

use axum::body::Bytes;
use axum::extract::ws::Message;
use deadpool_postgres::Pool;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::realtime::authorization::{self, AuthorizationError};
use crate::realtime::frame::{self, Encoding};

/// The most that one join gets, and what it gets when it names no number.
const MAX_MESSAGES: i64 = 25;

/// The real server's query. The join's read check stands for all rows: none is judged by itself.
const NEWEST: &str = "select id, event, payload::text, binary_payload from realtime.messages \
     where topic = $1 and private is true and extension = 'broadcast' \
     and inserted_at >= timestamp 'epoch' + $2::bigint * interval '1 millisecond' \
     and inserted_at < (now() at time zone 'UTC') + interval '1 minute' \
     order by inserted_at desc limit $3";

/// `config.broadcast.replay` of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayRequest {
    /// Unix time.
    since_ms: i64,
    limit: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidRequest;

/// A stored message, to be sent after the reply to the join.
pub struct Stored {
    id: Uuid,
    event: Option<String>,
    body: MessageBody,
}

enum MessageBody {
    Json(Box<RawValue>),
    Binary(Bytes),
}

#[derive(Serialize)]
struct Metadata {
    replayed: bool,
    id: Uuid,
}

#[derive(Serialize)]
struct Broadcast<'a> {
    r#type: &'static str,
    event: Option<&'a str>,
    payload: &'a RawValue,
    meta: Metadata,
}

impl ReplayRequest {
    /// Nothing when the join asks for no replay. A limit out of range counts as the nearest in it.
    pub fn parse(replay: &Value) -> Option<Result<Self, InvalidRequest>> {
        if replay.is_null() {
            return None;
        }
        let limit = match &replay["limit"] {
            Value::Null => Some(MAX_MESSAGES),
            limit => limit.as_i64(),
        };
        let request = replay["since"]
            .as_i64()
            .zip(limit)
            .map(|(since_ms, limit)| Self {
                since_ms,
                limit: limit.clamp(1, MAX_MESSAGES),
            });
        Some(request.ok_or(InvalidRequest))
    }
}

/// Oldest first; of those that were inserted at the same instant the last comes first, as on the real
/// server.
pub async fn newest(
    pool: &Pool,
    topic: &str,
    request: ReplayRequest,
) -> Result<Vec<Stored>, AuthorizationError> {
    let mut client = authorization::connection(pool).await?;
    let transaction = authorization::begin(&mut client).await?;
    let select = transaction.prepare_cached(NEWEST).await?;
    let arguments: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
        [&topic, &request.since_ms, &request.limit];
    let rows = transaction.query(&select, &arguments).await?;
    transaction.rollback().await?;
    Ok(rows
        .iter()
        .rev()
        .filter_map(|row| {
            let body = match row.get::<_, Option<String>>(2) {
                Some(json) => MessageBody::Json(RawValue::from_string(json).ok()?),
                None => MessageBody::Binary(row.get::<_, Option<Vec<u8>>>(3)?.into()),
            };
            Some(Stored {
                id: row.get(0),
                event: row.get(1),
                body,
            })
        })
        .collect())
}

/// The messages whose live copies the channel must not get as well.
pub fn ids(messages: &[Stored]) -> HashSet<Uuid> {
    messages.iter().map(|message| message.id).collect()
}

impl Stored {
    /// The frame to a client. `topic` is the clients' name of it, with `realtime:`.
    pub fn frame(&self, join_ref: &str, topic: &str) -> Option<Message> {
        let meta = Metadata {
            replayed: true,
            id: self.id,
        };
        match &self.body {
            MessageBody::Json(payload) => {
                let broadcast = Broadcast {
                    r#type: "broadcast",
                    event: self.event.as_deref(),
                    payload,
                    meta,
                };
                let text = frame::text(Some(join_ref), None, topic, "broadcast", &broadcast);
                Some(Message::Text(text.into()))
            }
            MessageBody::Binary(bytes) => {
                let meta = serde_json::to_string(&meta).ok()?;
                let event = self.event.as_deref()?;
                frame::broadcast(topic, event, &meta, Encoding::Binary, bytes)
                    .ok()
                    .map(Message::Binary)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn limit_of(replay: Value) -> Option<i64> {
        Some(ReplayRequest::parse(&replay)?.ok()?.limit)
    }

    #[test]
    fn a_replay_names_its_beginning_and_may_name_a_number() {
        assert_eq!(ReplayRequest::parse(&Value::Null), None);
        for replay in [
            json!({}),
            json!({"limit": 3}),
            json!({"since": "1"}),
            json!({"since": 1.5}),
            json!({"since": 1, "limit": "3"}),
            json!(true),
        ] {
            assert_eq!(
                ReplayRequest::parse(&replay),
                Some(Err(InvalidRequest)),
                "{replay}"
            );
        }
        assert_eq!(limit_of(json!({"since": 1})), Some(25));
        assert_eq!(limit_of(json!({"since": 1, "limit": 3})), Some(3));
        assert_eq!(limit_of(json!({"since": 1, "limit": 26})), Some(25));
        assert_eq!(limit_of(json!({"since": 1, "limit": 0})), Some(1));
    }

    #[test]
    fn a_replayed_message_says_so_and_keeps_every_digit() {
        let id = Uuid::nil();
        let stored = Stored {
            id,
            event: Some("e".to_owned()),
            body: MessageBody::Json(RawValue::from_string(r#"{"x":1.10}"#.to_owned()).unwrap()),
        };
        let Some(Message::Text(text)) = stored.frame("1", "realtime:a") else {
            panic!("no text frame");
        };
        assert_eq!(
            text.as_str(),
            format!(
                r#"["1",null,"realtime:a","broadcast",{{"type":"broadcast","event":"e","payload":{{"x":1.10}},"meta":{{"replayed":true,"id":"{id}"}}}}]"#
            )
        );
    }
}
