//! Frames of a socket to its client besides broadcasts: replies, system messages, ends.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message};
use futures_util::SinkExt;
use serde_json::{Value, json};

use super::Socket;
use crate::realtime::frame;

const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

impl Socket {
    /// Every error of a joined channel is a system message and then the end of the channel.
    pub(super) async fn end_with_error(
        &mut self,
        topic: &str,
        message: &str,
    ) -> Result<(), axum::Error> {
        self.system(topic, "error", message).await?;
        self.end_channel(topic).await
    }

    pub(super) async fn end_channel(&mut self, topic: &str) -> Result<(), axum::Error> {
        let Some(channel) = self.channels.remove(topic) else {
            return Ok(());
        };
        let hub = &self.realtime.hub;
        hub.unsubscribe(&channel.topic, self.mailbox.socket);
        let join_ref = Some(channel.join_ref.as_str());
        let frame = frame::text(join_ref, join_ref, topic, "phx_close", &json!({}));
        self.websocket.feed(Message::Text(frame.into())).await
    }

    pub(super) async fn system(
        &mut self,
        topic: &str,
        status: &str,
        message: &str,
    ) -> Result<(), axum::Error> {
        let Some(channel) = self.channels.get(topic) else {
            return Ok(());
        };
        let payload = json!({
            "channel": channel.topic.name,
            "extension": "system",
            "status": status,
            "message": message,
        });
        let frame = frame::text(Some(&channel.join_ref), None, topic, "system", &payload);
        self.websocket.feed(Message::Text(frame.into())).await
    }

    pub(super) async fn reply(
        &mut self,
        join_ref: Option<&str>,
        reference: Option<&str>,
        topic: &str,
        status: &str,
        response: Value,
    ) -> Result<(), axum::Error> {
        let payload = json!({ "status": status, "response": response });
        let frame = frame::text(join_ref, reference, topic, "phx_reply", &payload);
        self.websocket.feed(Message::Text(frame.into())).await
    }

    pub(super) async fn close(&mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        let closing = self.websocket.send(Message::Close(Some(frame)));
        // The client may be gone or deaf; it is closed either way.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, closing).await;
    }
}
