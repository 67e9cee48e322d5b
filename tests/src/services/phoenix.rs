//! A websocket of Realtime, frame by frame: what the real client does not show.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::services::Services;

/// Far above what any frame takes, the real server's delays included.
const DEADLINE: Duration = Duration::from_secs(30);

pub const REPLICATION_READY: &str = "Replication connection established";

/// A socket that speaks protocol 2.0.0.
pub struct Phoenix {
    socket: WebSocketStream<TcpStream>,
    sent: u32,
}

/// What the server sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    Text {
        join_ref: Value,
        reference: Value,
        topic: String,
        event: String,
        payload: Value,
    },
    /// Kind 4: a broadcast.
    Broadcast {
        topic: String,
        event: String,
        metadata: String,
        is_json: bool,
        payload: Vec<u8>,
    },
    /// The end, with its code; none: the connection was cut.
    Closed(Option<u16>),
}

impl Phoenix {
    /// With the public key.
    pub async fn connect(services: &Services) -> Result<Self> {
        let query = format!("apikey={}&vsn=2.0.0", services.keys.anon_key);
        Self::connect_with(services, &query).await
    }

    pub async fn connect_with(services: &Services, query: &str) -> Result<Self> {
        let address = services.supabase_url.trim_start_matches("http://");
        Self::connect_to(address, query).await
    }

    /// `address` is `host:port`.
    pub async fn connect_to(address: &str, query: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        let url = format!("ws://{address}/realtime/v1/websocket?{query}");
        let (socket, _) = tokio_tungstenite::client_async(url, stream).await?;
        Ok(Self { socket, sent: 0 })
    }

    /// Sends a frame on behalf of a joined channel and returns its reference.
    pub async fn push(
        &mut self,
        join_ref: Option<&str>,
        topic: &str,
        event: &str,
        payload: Value,
    ) -> Result<String> {
        self.sent += 1;
        let reference = self.sent.to_string();
        let frame = json!([join_ref, reference, topic, event, payload]);
        self.send(Message::text(frame.to_string())).await?;
        Ok(reference)
    }

    /// Asks to join, with the access token in the payload; returns the reference of the join.
    pub async fn ask_to_join(
        &mut self,
        topic: &str,
        config: Value,
        token: Option<&str>,
    ) -> Result<String> {
        self.sent += 1;
        let reference = self.sent.to_string();
        let mut payload = json!({ "config": config });
        if let Some(token) = token {
            payload["access_token"] = token.into();
        }
        let frame = json!([reference, reference, topic, "phx_join", payload]);
        self.send(Message::text(frame.to_string())).await?;
        Ok(reference)
    }

    /// Joins and returns the reference of the join; fails when it is refused.
    pub async fn join(
        &mut self,
        topic: &str,
        config: Value,
        token: Option<&str>,
    ) -> Result<String> {
        let reference = self.ask_to_join(topic, config, token).await?;
        match self.reply_to(&reference).await? {
            (status, _) if status == "ok" => Ok(reference),
            refused => bail!("{topic}: {refused:?}"),
        }
    }

    /// Joins a private channel and waits until the database's rows reach it.
    pub async fn join_ready(&mut self, topic: &str, token: &str) -> Result<String> {
        let config = json!({"private": true, "broadcast": {"replication_ready": true}});
        let reference = self.join(topic, config, Some(token)).await?;
        let message = self.system_message().await?;
        if message != REPLICATION_READY {
            bail!("{topic}: {message}");
        }
        Ok(reference)
    }

    pub async fn heartbeat(&mut self) -> Result<String> {
        self.push(None, "phoenix", "heartbeat", json!({})).await
    }

    pub async fn send(&mut self, message: Message) -> Result<()> {
        Ok(self.socket.send(message).await?)
    }

    /// The next frame, whatever it is.
    pub async fn next(&mut self) -> Result<Frame> {
        tokio::time::timeout(DEADLINE, self.read())
            .await
            .context("no frame")?
    }

    /// The status and the response of the reply to a frame; everything before it is passed over.
    pub async fn reply_to(&mut self, wanted: &str) -> Result<(String, Value)> {
        loop {
            match self.next().await? {
                Frame::Text {
                    reference,
                    event,
                    payload,
                    ..
                } if event == "phx_reply" && reference == wanted => {
                    let status = payload["status"].as_str().context("no status")?.to_owned();
                    return Ok((status, payload["response"].clone()));
                }
                Frame::Closed(code) => bail!("closed with {code:?}"),
                _ => {}
            }
        }
    }

    /// The next system message; everything before it is passed over.
    pub async fn system_message(&mut self) -> Result<String> {
        loop {
            match self.next().await? {
                Frame::Text { event, payload, .. } if event == "system" => {
                    return Ok(payload["message"]
                        .as_str()
                        .context("no message")?
                        .to_owned());
                }
                Frame::Closed(code) => bail!("closed with {code:?}"),
                _ => {}
            }
        }
    }

    /// Fails unless the next frame ends the channel of this join.
    pub async fn expect_end(&mut self, topic: &str, join_ref: &str) -> Result<()> {
        let expected = text(
            json!(join_ref),
            json!(join_ref),
            topic,
            "phx_close",
            json!({}),
        );
        match self.next().await? {
            frame if frame == expected => Ok(()),
            other => bail!("{topic} did not end: {other:?}"),
        }
    }

    /// The next frame, however long it takes. Loses none when it is cancelled.
    pub async fn read(&mut self) -> Result<Frame> {
        loop {
            let message = match self.socket.next().await {
                None => return Ok(Frame::Closed(None)),
                Some(Err(Error::Io(_) | Error::Protocol(_) | Error::ConnectionClosed)) => {
                    return Ok(Frame::Closed(None));
                }
                Some(message) => message?,
            };
            match message {
                Message::Text(text) => {
                    let (join_ref, reference, topic, event, payload) = serde_json::from_str(&text)?;
                    return Ok(Frame::Text {
                        join_ref,
                        reference,
                        topic,
                        event,
                        payload,
                    });
                }
                Message::Binary(bytes) => return broadcast(&bytes),
                Message::Close(frame) => {
                    return Ok(Frame::Closed(frame.map(|frame| frame.code.into())));
                }
                _ => {}
            }
        }
    }
}

/// A text frame.
pub fn text(join_ref: Value, reference: Value, topic: &str, event: &str, payload: Value) -> Frame {
    Frame::Text {
        join_ref,
        reference,
        topic: topic.to_owned(),
        event: event.to_owned(),
        payload,
    }
}

/// The client's binary form of a broadcast: kind 3.
pub fn push_bytes(
    join_ref: &str,
    reference: &str,
    topic: &str,
    event: &str,
    payload: &[u8],
) -> Result<Message> {
    let mut frame = vec![3];
    for part in [join_ref, reference, topic, event, ""] {
        frame.push(u8::try_from(part.len())?);
    }
    // JSON.
    frame.push(1);
    for part in [join_ref, reference, topic, event] {
        frame.extend_from_slice(part.as_bytes());
    }
    frame.extend_from_slice(payload);
    Ok(Message::binary(frame))
}

fn broadcast(bytes: &[u8]) -> Result<Frame> {
    let [4, topic, event, metadata, encoding] =
        *bytes.first_chunk::<5>().context("a frame is cut short")?
    else {
        bail!("a binary frame of another kind");
    };
    let mut rest = &bytes[5..];
    let mut take = |length: u8| -> Result<String> {
        let (taken, after) = rest
            .split_at_checked(length.into())
            .context("a frame is cut short")?;
        rest = after;
        Ok(String::from_utf8(taken.to_vec())?)
    };
    Ok(Frame::Broadcast {
        topic: take(topic)?,
        event: take(event)?,
        metadata: take(metadata)?,
        is_json: encoding == 1,
        payload: rest.to_vec(),
    })
}
