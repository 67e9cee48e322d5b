//! Supabase Realtime's broadcast: sockets that join topics, and rows of realtime.messages that
//! reach them.

mod authorization;
mod channel;
mod faults;
mod frame;
mod hub;
pub mod partitions;
mod pgoutput;
pub mod quota;
mod replay;
pub mod replication;
mod service;
mod socket;
mod switches;
mod token;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{Query, State, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use self::service::Realtime;
pub use self::switches::router as switches;

use crate::api_key;

/// Larger frames end the connection, as at the real server.
const MAX_FRAME_BYTES: usize = 5_000_000;
/// The default of 128 KiB per socket would be 1.2 GB for ten thousand sockets.
const SOCKET_BUFFER_BYTES: usize = 4096;

#[derive(Deserialize)]
struct Connect {
    apikey: Option<String>,
    vsn: Option<String>,
}

/// The routes of `/realtime/v1`.
pub fn router(realtime: Arc<Realtime>) -> Router {
    Router::new()
        .route("/websocket", get(connect))
        .with_state(realtime)
}

async fn connect(
    State(realtime): State<Arc<Realtime>>,
    Query(query): Query<Connect>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let presented = headers
        .get("x-api-key")
        .and_then(|value| value.to_str().ok())
        .or(query.apikey.as_deref());
    if realtime.faults.is_away() {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "away for a test");
    }
    let key = match presented.map(|presented| api_key::parse(&realtime.token_key, presented)) {
        Some(Ok(key)) => key,
        Some(Err(error)) => {
            return refuse_later(&realtime, StatusCode::UNAUTHORIZED, &error.to_string()).await;
        }
        None => {
            return refuse_later(&realtime, StatusCode::UNAUTHORIZED, "apikey is missing").await;
        }
    };
    if query.vsn.as_deref() != Some("2.0.0") {
        let message = "supabase_local speaks vsn=2.0.0 only, the default of supabase-js";
        return refuse_later(&realtime, StatusCode::FORBIDDEN, message).await;
    }
    let extra_headers: Map<String, Value> = headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-") && *name != "x-api-key")
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into())))
        .collect();
    let id = realtime.next_socket_id();
    let tasks = realtime.tasks.clone();
    upgrade
        .max_message_size(MAX_FRAME_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .read_buffer_size(SOCKET_BUFFER_BYTES)
        .write_buffer_size(SOCKET_BUFFER_BYTES)
        .on_upgrade(move |websocket| {
            let headers = Value::Object(extra_headers).to_string();
            tasks.track_future(socket::run(realtime, websocket, id, key, headers))
        })
}

/// As the real server: whoever tries again at once does no harm.
async fn refuse_later(realtime: &Realtime, status: StatusCode, message: &str) -> Response {
    tokio::time::sleep(realtime.config.connect_error_backoff).await;
    refuse(status, message)
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}
