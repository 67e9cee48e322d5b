//! Subscribers of a stream's chat: real sockets of the stand-in for Supabase Realtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

const JOINED_WITHIN: Duration = Duration::from_secs(30);
const SEEN_WITHIN: Duration = Duration::from_secs(30);
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// What the real client sends when its server is told to say that rows reach the channel.
const REPLICATION_READY: &str = "Replication connection established";

/// The kind of a binary frame that carries a broadcast.
const BROADCAST: u8 = 4;

/// The heartbeat of the protocol, due every 25 s.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(25);

/// The sockets, each read by a task of its own until this is dropped.
pub struct Subscribers {
    seen: Vec<Arc<Seen>>,
    _tasks: JoinSet<Result<()>>,
}

/// What reached one socket.
#[derive(Default)]
struct Seen {
    to_seq: AtomicI64,
    frames: AtomicU64,
    /// Frames that began further than one above the last number.
    holes: AtomicU64,
}

/// The numbers of a frame; the messages in it are passed over.
#[derive(Deserialize)]
struct Frame {
    from_seq: i64,
    to_seq: i64,
}

impl Subscribers {
    /// Joins the chat of a stream once with each token, and waits until rows of the database reach all sockets.
    pub async fn join(
        address: &str,
        api_key: &str,
        tokens: &[String],
        session: Uuid,
    ) -> Result<Self> {
        let (mut seen, mut tasks) = (Vec::new(), JoinSet::new());
        for token in tokens {
            let joined = join(address, api_key, token, session);
            let socket = tokio::time::timeout(JOINED_WITHIN, joined)
                .await
                .context("a subscriber could not join in time")??;
            let of_socket = Arc::new(Seen::default());
            seen.push(Arc::clone(&of_socket));
            tasks.spawn(read(socket, of_socket));
        }
        Ok(Self {
            seen,
            _tasks: tasks,
        })
    }

    /// Waits until every socket has seen a number of the log. Fails when one has a hole before it.
    pub async fn wait_for(&self, seq: i64) -> Result<()> {
        let all = async {
            for socket in &self.seen {
                while socket.to_seq.load(Ordering::Acquire) < seq {
                    tokio::time::sleep(LOOK_INTERVAL).await;
                }
            }
        };
        tokio::time::timeout(SEEN_WITHIN, all)
            .await
            .with_context(|| format!("not every subscriber saw message {seq}"))?;
        let holes: u64 = self
            .seen
            .iter()
            .map(|of| of.holes.load(Ordering::Acquire))
            .sum();
        ensure!(holes == 0, "{holes} frames began behind a hole");
        Ok(())
    }

    /// Frames that one socket received so far.
    pub fn frames(&self) -> u64 {
        self.seen
            .first()
            .map_or(0, |of| of.frames.load(Ordering::Acquire))
    }
}

type Socket = WebSocketStream<TcpStream>;

async fn join(address: &str, api_key: &str, token: &str, session: Uuid) -> Result<Socket> {
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
            Some("system") if frame[4]["message"] == REPLICATION_READY => return Ok(socket),
            Some("phx_reply") if frame[4]["status"] != "ok" => {
                bail!("a subscriber was refused: {}", frame[4])
            }
            _ => {}
        }
    }
    bail!("the socket was closed during the join")
}

async fn read(mut socket: Socket, seen: Arc<Seen>) -> Result<()> {
    let mut heartbeats = tokio::time::interval(HEARTBEAT_INTERVAL);
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Binary(frame))) => seen.note(&frame)?,
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
            _ = heartbeats.tick() => {
                let heartbeat = json!([null, "2", "phoenix", "heartbeat", {}]).to_string();
                socket.send(Message::text(heartbeat)).await?;
            }
        }
    }
}

impl Seen {
    /// Takes a binary frame: kind, three lengths and the encoding, then the three texts and the payload.
    fn note(&self, frame: &[u8]) -> Result<()> {
        let [kind, topic, event, metadata, _encoding] =
            *frame.first_chunk::<5>().context("a frame is cut short")?;
        if kind != BROADCAST {
            return Ok(());
        }
        let begin = 5 + usize::from(topic) + usize::from(event) + usize::from(metadata);
        let payload = frame.get(begin..).context("a frame is cut short")?;
        let Frame { from_seq, to_seq } = serde_json::from_slice(payload)?;
        let before = self.to_seq.load(Ordering::Relaxed);
        if before > 0 && from_seq > before + 1 {
            self.holes.fetch_add(1, Ordering::Release);
        }
        self.frames.fetch_add(1, Ordering::Release);
        self.to_seq.fetch_max(to_seq, Ordering::Release);
        Ok(())
    }
}
