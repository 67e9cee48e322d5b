//! One websocket: its channels, the frames of its client, and its end.

mod interruptions;
mod outcomes;
mod outgoing;
mod requests;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::sync::broadcast;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::api_key::ApiKey;
use crate::jwt;
use crate::realtime::channel::{Channel, Refusal, Renewal};
use crate::realtime::faults::Interruption;
use crate::realtime::frame::{self, Event, Push};
use crate::realtime::hub::{self, Inbox, Mailbox};
use crate::realtime::service::Realtime;

/// Supabase's limit.
const MAX_CHANNELS: usize = 100;
const REPLICATION_CHECK_EVERY: Duration = Duration::from_millis(500);
/// Tokens are looked at this often at least, so that a clock set forward is noticed.
const EXPIRY_CHECK_MOST: Duration = Duration::from_secs(300);

/// The system message to a channel that is handed a message over the limit.
const TOO_MANY_MESSAGES: &str = "Too many messages per second";

const PROTOCOL_ERROR: u16 = 1002;
const SERVICE_RESTART: u16 = 1012;

struct Socket {
    realtime: Arc<Realtime>,
    websocket: WebSocket,
    key: ApiKey,
    /// The `x-` headers of the handshake, for policies.
    headers_json: Arc<str>,
    mailbox: Mailbox,
    inbox: Inbox,
    channels: HashMap<String, Channel>,
    /// Joins for which the policies are being evaluated: topic to join_ref.
    joining: HashMap<String, String>,
    work: FuturesUnordered<BoxFuture<'static, Outcome>>,
    last_received_at: Instant,
    /// Since when it has had no channel; none while it has one.
    idle_since: Option<Instant>,
    interruptions: broadcast::Receiver<Interruption>,
}

/// The outcome of work that the socket did not wait for.
enum Outcome {
    Joined {
        topic: String,
        join_ref: String,
        reference: Option<String>,
        channel: Box<Result<Channel, Refusal>>,
    },
    Renewed {
        topic: String,
        join_ref: String,
        renewal: Result<Renewal, Refusal>,
    },
    Replication {
        topic: String,
        join_ref: String,
        is_streaming: bool,
    },
}

/// Serves a websocket until either side ends it.
pub async fn run(
    realtime: Arc<Realtime>,
    websocket: WebSocket,
    id: u64,
    key: ApiKey,
    headers_json: String,
) {
    let (mailbox, inbox) = hub::mailbox(id);
    let overflowed = inbox.overflowed.clone();
    let stop = realtime.stop.clone();
    let interruptions = realtime.faults.interruptions();
    let mut socket = Socket {
        realtime,
        websocket,
        key,
        headers_json: headers_json.into(),
        mailbox,
        inbox,
        channels: HashMap::new(),
        joining: HashMap::new(),
        work: FuturesUnordered::new(),
        last_received_at: Instant::now(),
        idle_since: Some(Instant::now()),
        interruptions,
    };
    tokio::select! {
        () = overflowed.cancelled() => {
            warn!(socket = id, "a socket that does not keep up is closed");
        }
        () = stop.cancelled() => socket.close(SERVICE_RESTART, "restarting").await,
        ended = socket.serve() => match ended {
            Ok(()) => {}
            Err(error) => debug!(socket = id, %error, "a socket ended"),
        },
    }
    for channel in socket.channels.values() {
        socket.realtime.hub.unsubscribe(&channel.topic, id);
    }
}

impl Socket {
    async fn serve(&mut self) -> Result<(), axum::Error> {
        loop {
            self.websocket.flush().await?;
            let deadline = self.deadline();
            tokio::select! {
                message = self.websocket.next() => {
                    let Some(message) = message else { return Ok(()) };
                    self.last_received_at = Instant::now();
                    match self.receive(message?).await? {
                        ControlFlow::Continue(()) => {}
                        ControlFlow::Break(()) => return Ok(()),
                    }
                }
                Some(frame) = self.inbox.frames.recv() => {
                    self.send_all_waiting(frame).await?;
                }
                Some(outcome) = self.work.next(), if !self.work.is_empty() => {
                    self.finish(outcome).await?;
                }
                Ok(interruption) = self.interruptions.recv() => {
                    match self.interrupt(interruption).await? {
                        ControlFlow::Continue(()) => {}
                        ControlFlow::Break(()) => return Ok(()),
                    }
                }
                () = tokio::time::sleep_until(deadline) => {
                    if self.last_received_at.elapsed() >= self.realtime.config.idle_timeout {
                        return self.websocket.close().await;
                    }
                    // Cut without a word, as the real server kills such a transport.
                    if self.idle_since.is_some_and(|since| since.elapsed() >= self.no_channel_timeout()) {
                        return Ok(());
                    }
                    self.close_expired().await?;
                }
            }
            self.idle_since = match (self.channels.is_empty(), self.idle_since) {
                (false, _) => None,
                (true, since) => since.or_else(|| Some(Instant::now())),
            };
        }
    }

    /// Everything that waits goes out in one write. Each is counted as delivered; over the limit its channel ends, behind it.
    async fn send_all_waiting(&mut self, first: Bytes) -> Result<(), axum::Error> {
        let mut next = Some(first);
        while let Some(frame) = next {
            let topic = self
                .realtime
                .quota
                .count(1)
                .then(|| frame::topic_of(&frame).map(str::to_owned))
                .flatten();
            self.websocket.feed(Message::Binary(frame)).await?;
            if let Some(topic) = topic {
                self.end_with_error(&topic, TOO_MANY_MESSAGES).await?;
            }
            next = self.inbox.frames.try_recv().ok();
        }
        Ok(())
    }

    fn no_channel_timeout(&self) -> Duration {
        self.realtime.config.no_channel_timeout
    }

    async fn receive(&mut self, message: Message) -> Result<ControlFlow<()>, axum::Error> {
        let push = match message {
            Message::Text(text) => frame::parse_text(&text),
            Message::Binary(bytes) => frame::parse_binary(&bytes),
            Message::Ping(_) | Message::Pong(_) => return Ok(ControlFlow::Continue(())),
            Message::Close(_) => return Ok(ControlFlow::Break(())),
        };
        match push {
            Ok(push) => {
                self.handle(push).await?;
                Ok(ControlFlow::Continue(()))
            }
            Err(error) => {
                debug!(socket = self.mailbox.socket, %error, "a socket is closed");
                self.close(PROTOCOL_ERROR, "malformed frame").await;
                Ok(ControlFlow::Break(()))
            }
        }
    }

    async fn handle(&mut self, push: Push) -> Result<(), axum::Error> {
        let Push {
            join_ref,
            reference,
            topic,
            event,
        } = push;
        let (name, payload) = match event {
            Event::Broadcast(broadcast) => {
                return self.relay(&topic, reference.as_deref(), broadcast).await;
            }
            Event::Named { name, payload } => (name, payload),
        };
        let reference = reference.as_deref();
        match name.as_str() {
            "heartbeat" if topic == "phoenix" => {
                self.reply(None, reference, &topic, "ok", json!({})).await
            }
            "phx_join" => {
                let join_ref = join_ref.or_else(|| reference.map(str::to_owned));
                self.join(topic, join_ref.unwrap_or_default(), reference, &payload)
                    .await
            }
            "phx_leave" => self.leave(&topic, join_ref.as_deref(), reference).await,
            "access_token" => {
                self.renew(topic, payload["access_token"].as_str());
                Ok(())
            }
            "presence" => {
                let reason = "supabase_local does not serve presence";
                let response = json!({ "reason": reason });
                self.reply(join_ref.as_deref(), reference, &topic, "error", response)
                    .await
            }
            _ => {
                let response = json!({ "reason": "unmatched topic" });
                self.reply(join_ref.as_deref(), reference, &topic, "error", response)
                    .await
            }
        }
    }

    async fn close_expired(&mut self) -> Result<(), axum::Error> {
        let now_s = jwt::now_s();
        let expired: Vec<(String, u64)> = self
            .channels
            .iter()
            .filter(|(_, channel)| channel.subject.expires_at_s <= now_s)
            .map(|(topic, channel)| (topic.clone(), now_s - channel.subject.expires_at_s))
            .collect();
        for (topic, seconds_ago) in expired {
            let message = format!("Token has expired {seconds_ago} seconds ago");
            self.end_with_error(&topic, &message).await?;
        }
        Ok(())
    }

    /// The next moment at which silence or an expired token ends something.
    fn deadline(&self) -> Instant {
        let silent = self.last_received_at + self.realtime.config.idle_timeout;
        let idle = match self.idle_since {
            Some(since) => silent.min(since + self.no_channel_timeout()),
            None => silent,
        };
        let now_s = jwt::now_s();
        let expiry = self
            .channels
            .values()
            .map(|channel| channel.subject.expires_at_s.saturating_sub(now_s))
            .min()
            .map(|seconds| Duration::from_secs(seconds).min(EXPIRY_CHECK_MOST));
        match expiry {
            Some(expiry) => idle.min(Instant::now() + expiry),
            None => idle,
        }
    }
}
