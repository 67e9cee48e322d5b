//! Signalling for video between browsers of this machine: who is in a channel, and the messages by which two of them
//! set up a peer connection. It carries no media.

mod admission;
mod member;
mod message;
mod rooms;
mod service;

use std::sync::Arc;

use axum::Router;
use axum::extract::{State, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

pub use self::service::Loopback;

/// An offer with two video codecs and sound is about 8 kB.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;
const SOCKET_BUFFER_BYTES: usize = 4096;

/// The route, for a gateway that nothing beyond this machine can reach.
pub fn router(loopback: Arc<Loopback>) -> Router {
    Router::new()
        .route("/loopback", get(connect))
        .with_state(loopback)
}

async fn connect(State(loopback): State<Arc<Loopback>>, upgrade: WebSocketUpgrade) -> Response {
    let Ok(place) = loopback.sockets.clone().try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many sockets").into_response();
    };
    let tasks = loopback.tasks.clone();
    upgrade
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .read_buffer_size(SOCKET_BUFFER_BYTES)
        .write_buffer_size(SOCKET_BUFFER_BYTES)
        .on_upgrade(move |websocket| {
            tasks.track_future(async move {
                member::serve(&loopback, websocket).await;
                drop(place);
            })
        })
}
