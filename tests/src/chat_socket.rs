//! A socket of Supabase Realtime that follows the chat of one stream, as light as many thousands of them need.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

/// What the real client sends when its server is told to say that rows reach the channel.
const REPLICATION_READY: &str = "Replication connection established";

/// The kind of a binary frame that carries a broadcast.
const BROADCAST: u8 = 4;

/// The heartbeat of the protocol, due every 25 s.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(25);

/// A socket whose only channel is joined, and which rows of the database reach.
pub struct ChatSocket {
    socket: WebSocketStream<TcpStream>,
    heartbeats: Interval,
}

/// The numbers of a frame; the messages in it are passed over.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct FrameNumbers {
    pub from_seq: i64,
    pub to_seq: i64,
}

/// What the server sent.
#[derive(Debug)]
pub enum Received {
    Frame(FrameNumbers),
    /// The channel is gone, and the client has to join again.
    ChannelClosed,
}

impl ChatSocket {
    /// Joins the chat of a stream, and waits until rows of the database reach the socket. `address` is `host:port`.
    pub async fn join(address: &str, api_key: &str, token: &str, session: Uuid) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        let url = format!("ws://{address}/realtime/v1/websocket?apikey={api_key}&vsn=2.0.0");
        let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await?;
        let join = json!(["1", "1", format!("realtime:chat:{session}"), "phx_join", {
            "config": {"private": true, "broadcast": {"replication_ready": true}},
            "access_token": token,
        }]);
        socket.send(Message::text(join.to_string())).await?;
        while let Some(message) = socket.next().await {
            let Message::Text(text) = message? else {
                continue;
            };
            let frame: Value = serde_json::from_str(&text)?;
            match frame[3].as_str() {
                Some("system") if frame[4]["message"] == REPLICATION_READY => {
                    let mut heartbeats = interval(HEARTBEAT_INTERVAL);
                    heartbeats.set_missed_tick_behavior(MissedTickBehavior::Delay);
                    return Ok(Self { socket, heartbeats });
                }
                Some("phx_reply") if frame[4]["status"] != "ok" => {
                    bail!("a subscriber was refused: {}", frame[4])
                }
                _ => {}
            }
        }
        bail!("the socket was closed during the join")
    }

    /// The next frame of the chat, or the end of the channel. Sends the heartbeats that are due meanwhile.
    pub async fn next(&mut self) -> Result<Received> {
        loop {
            tokio::select! {
                message = self.socket.next() => match message {
                    Some(Ok(Message::Binary(frame))) => {
                        if let Some(numbers) = numbers(&frame)? {
                            return Ok(Received::Frame(numbers));
                        }
                    }
                    Some(Ok(Message::Text(text))) if is_close(&text)? => return Ok(Received::ChannelClosed),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                    None => return Ok(Received::ChannelClosed),
                },
                _ = self.heartbeats.tick() => {
                    let heartbeat = json!([null, "2", "phoenix", "heartbeat", {}]).to_string();
                    self.socket.send(Message::text(heartbeat)).await?;
                }
            }
        }
    }
}

fn is_close(text: &str) -> Result<bool> {
    let frame: Value = serde_json::from_str(text)?;
    Ok(frame[3] == "phx_close")
}

/// Of a binary frame: kind, three lengths and the encoding, then the three texts and the payload.
fn numbers(frame: &[u8]) -> Result<Option<FrameNumbers>> {
    let [kind, topic, event, metadata, _encoding] =
        *frame.first_chunk::<5>().context("a frame is cut short")?;
    if kind != BROADCAST {
        return Ok(None);
    }
    let begin = 5 + usize::from(topic) + usize::from(event) + usize::from(metadata);
    let payload = frame.get(begin..).context("a frame is cut short")?;
    Ok(Some(serde_json::from_slice(payload)?))
}
