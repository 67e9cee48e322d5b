//! `/_local/faults`: what a test asks of the gateway with the service key, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::{info, warn};

use crate::api_key;
use crate::database::StatementError;
use crate::jwt::ApiRole;
use crate::realtime::faults::{Interruption, RowLoss};
use crate::realtime::partitions;
use crate::realtime::quota::{self, Limit};
use crate::realtime::replication;
use crate::realtime::service::Realtime;

/// The members of a request, carried out in this order.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Switches {
    /// Rows are no longer lost, the limit is the configured one, and today's partition is there.
    heal: bool,
    drop_rows: Option<RowLoss>,
    quota: Option<QuotaSwitch>,
    /// Whether the partition of today is away.
    no_partition: Option<bool>,
    /// Ends the connection of the message stream from this side.
    cut_slot: Option<Pause>,
    /// Ends it as an operator or a crash would, from Postgres's side.
    kill_walsender: bool,
    cut_sockets: Option<OfTopic>,
    end_channels: Option<EndChannels>,
    /// Sockets are closed, and those that come back find no message stream until their first join made one.
    restart_with_loss: Option<Pause>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuotaSwitch {
    /// 0: no limit.
    events_per_second: u32,
    /// 5,000 on the real server.
    bucket_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pause {
    #[serde(default)]
    for_ms: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfTopic {
    topic: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndChannels {
    topic: Option<String>,
    message: String,
}

/// What the gateway counts.
#[derive(Debug, Serialize)]
struct Report {
    rows_lost: u64,
    /// Sends and deliveries, as the limit counts them.
    messages: u64,
    rows_over_limit: u64,
    is_over_limit: bool,
    is_streaming: bool,
    /// True when committed rows reach those who have joined.
    is_ready: bool,
}

/// The route, for a gateway that nothing beyond this machine can reach.
pub fn router(realtime: Arc<Realtime>) -> Router {
    Router::new()
        .route("/faults", get(report).post(switch))
        .with_state(realtime)
}

async fn report(State(realtime): State<Arc<Realtime>>, headers: HeaderMap) -> Response {
    match refusal(&realtime, &headers) {
        Some(refusal) => refusal,
        None => Json(state_of(&realtime)).into_response(),
    }
}

async fn switch(
    State(realtime): State<Arc<Realtime>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refusal) = refusal(&realtime, &headers) {
        return refusal;
    }
    let switches = match serde_json::from_slice::<Switches>(&body) {
        Ok(switches) => switches,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    info!(?switches, "faults were asked for");
    match carry_out(&realtime, switches).await {
        Ok(()) => Json(state_of(&realtime)).into_response(),
        Err(error) => {
            warn!(%error, "a fault could not be made");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
        }
    }
}

async fn carry_out(realtime: &Realtime, switches: Switches) -> Result<(), StatementError> {
    let faults = &realtime.faults;
    if switches.heal {
        faults.stop_losing_rows();
        realtime.quota.set_limit(Limit {
            events_per_second: realtime.config.events_per_second,
            bucket: quota::BUCKET,
        });
        partitions::set_today(realtime, true).await?;
    }
    if let Some(loss) = switches.drop_rows {
        faults.lose_rows(loss);
    }
    if let Some(asked) = switches.quota {
        realtime.quota.set_limit(Limit {
            events_per_second: Some(asked.events_per_second).filter(|&limit| limit > 0),
            bucket: asked.bucket_ms.map_or(quota::BUCKET, Duration::from_millis),
        });
    }
    if let Some(is_away) = switches.no_partition {
        partitions::set_today(realtime, !is_away).await?;
    }
    if let Some(Pause { for_ms }) = switches.cut_slot {
        faults.cut_stream(Duration::from_millis(for_ms));
    }
    if switches.kill_walsender {
        replication::terminate_walsender(realtime).await?;
    }
    if let Some(OfTopic { topic }) = switches.cut_sockets {
        faults.interrupt(Interruption::CutSockets { topic });
    }
    if let Some(EndChannels { topic, message }) = switches.end_channels {
        faults.interrupt(Interruption::EndChannels { topic, message });
    }
    if let Some(Pause { for_ms }) = switches.restart_with_loss {
        let pause = Duration::from_millis(for_ms);
        faults.go_away(pause);
        faults.cut_stream(pause);
        realtime.hub.forget_tenant();
        faults.interrupt(Interruption::Restart);
    }
    Ok(())
}

fn state_of(realtime: &Realtime) -> Report {
    Report {
        rows_lost: realtime.faults.rows_lost(),
        messages: realtime.quota.counted_in_all(),
        rows_over_limit: realtime.quota.refused(),
        is_over_limit: realtime.quota.is_over(),
        is_streaming: realtime.hub.is_streaming(),
        is_ready: realtime.hub.is_ready(),
    }
}

/// The answer to whoever lacks the service key.
fn refusal(realtime: &Realtime, headers: &HeaderMap) -> Option<Response> {
    match api_key::from_headers(&realtime.token_key, headers) {
        Err(error) => Some(error.into_response()),
        Ok(key) if key.claims.role() != Ok(Some(ApiRole::ServiceRole)) => Some(refuse(
            StatusCode::FORBIDDEN,
            "faults take the service_role key",
        )),
        Ok(_) => None,
    }
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_fault_is_refused_rather_than_passed_over() {
        assert!(serde_json::from_str::<Switches>(r#"{"drop_row": {}}"#).is_err());
        assert!(serde_json::from_str::<Switches>(r#"{"drop_rows": {"cuont": 1}}"#).is_err());
        let all = r#"{"heal": true, "drop_rows": {"topic": "t", "count": 1, "share": 0.5},
            "quota": {"events_per_second": 1, "bucket_ms": 50}, "no_partition": true,
            "cut_slot": {"for_ms": 5}, "kill_walsender": true, "cut_sockets": {},
            "end_channels": {"topic": "t", "message": "m"}, "restart_with_loss": {}}"#;
        assert!(serde_json::from_str::<Switches>(all).is_ok());
    }
}
