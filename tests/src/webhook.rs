//! Notices as Agora's notification service writes them.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio_postgres::Error;
use uuid::Uuid;

use crate::database::TestDatabase;
use crate::session::Session;

pub const CHANNEL_CREATED: i64 = 101;
pub const CHANNEL_DESTROYED: i64 = 102;
pub const BROADCASTER_JOINED: i64 = 103;
pub const BROADCASTER_LEFT: i64 = 104;
pub const AUDIENCE_JOINED: i64 = 105;
pub const AUDIENCE_LEFT: i64 = 106;
pub const BECAME_BROADCASTER: i64 = 111;
pub const BECAME_AUDIENCE: i64 = 112;

/// A number that no stored notice has; as Agora's, it looks like milliseconds.
pub const FIRST_SEQ: i64 = 1_700_000_000_000;

/// A notice with an id of its own.
pub fn notice(event_type: i64, payload: Value) -> Value {
    json!({
        "noticeId": Uuid::new_v4(), "productId": 1, "eventType": event_type,
        "notifyMs": 1_790_000_000_000_i64, "sid": "0123456789ABCDEF", "payload": payload,
    })
}

/// Something that a user did; `number` is its place among the user's events.
pub fn of_user(event_type: i64, session: Uuid, uid: i64, number: i64) -> Value {
    notice(
        event_type,
        json!({
            "channelName": session, "uid": uid, "clientSeq": FIRST_SEQ + number, "ts": 1_790_000_000 + number,
            "platform": 1,
        }),
    )
}

/// A leave for one of Agora's reasons.
pub fn left(event_type: i64, session: Uuid, uid: i64, number: i64, reason: i64) -> Value {
    let mut notice = of_user(event_type, session, uid, number);
    notice["payload"]["reason"] = json!(reason);
    notice["payload"]["duration"] = json!(60);
    notice
}

/// Hands a notice over as the edge does; returns status and effect.
pub async fn send_notice(service: &Session, notice: &Value) -> Result<(String, String), Error> {
    let answer = service
        .rpc("apply_webhook", json!({"notice": notice}))
        .await?;
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    Ok((text("status"), text("effect")))
}

/// Status and effect of an answer, to compare with.
pub fn outcome(status: &str, effect: &str) -> (String, String) {
    (status.to_owned(), effect.to_owned())
}

impl TestDatabase {
    /// The stored notices of a stream: type, status, effect, in the order in which they came.
    pub async fn stored_notices(&self, session: Uuid) -> Result<Vec<Value>> {
        let rows = self
            .owner
            .query(
                "select jsonb_build_array(e.event_type, e.status, e.effect)
                 from stream.webhook_events as e where e.session_id = $1
                 order by e.received_at, e.client_seq",
                &[&session],
            )
            .await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Who is in the channel by Agora's word: `[uid, position, is_present]`, by uid.
    pub async fn cursors(&self, session: Uuid) -> Result<Vec<Value>> {
        let rows = self
            .owner
            .query(
                "select jsonb_build_array(k.uid, k.position, k.is_present)
                 from stream.webhook_cursors as k where k.session_id = $1 order by k.uid",
                &[&session],
            )
            .await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// The Agora uid of a viewer.
    pub async fn uid_of(&self, session: Uuid, user: Uuid) -> Result<i64> {
        let row = self
            .owner
            .query_opt(
                "select v.agora_uid::bigint from stream.stream_viewers as v
                 where v.session_id = $1 and v.user_id = $2",
                &[&session, &user],
            )
            .await?;
        Ok(row.context("not a viewer")?.get(0))
    }
}
