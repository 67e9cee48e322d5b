//! A socket of Supabase Realtime that follows the chat of one stream, for measurements.

use std::time::Duration;

use anyhow::Result;
use serde::Deserialize;
use tokio::time::{Interval, MissedTickBehavior, interval};
use uuid::Uuid;

use crate::services::phoenix::{Frame, Phoenix};

/// The heartbeat of the protocol, due every 25 s.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(25);

/// A socket whose only channel is joined, and which rows of the database reach.
pub struct ChatSocket {
    socket: Phoenix,
    heartbeats: Interval,
}

/// The numbers of a frame; the messages in it are passed over.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct FrameNumbers {
    pub from_seq: i64,
    pub to_seq: i64,
    /// It stands for entries that it does not carry.
    pub digest: bool,
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
        let query = format!("apikey={api_key}&vsn=2.0.0");
        let mut socket = Phoenix::connect_to(address, &query).await?;
        let topic = format!("realtime:chat:{session}");
        socket.join_ready(&topic, token).await?;
        let mut heartbeats = interval(HEARTBEAT_INTERVAL);
        heartbeats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self { socket, heartbeats })
    }

    /// The next frame of the chat, or the end of the channel. Sends the heartbeats that are due meanwhile.
    pub async fn next(&mut self) -> Result<Received> {
        loop {
            tokio::select! {
                frame = self.socket.read() => match frame? {
                    Frame::Broadcast { payload, .. } => {
                        return Ok(Received::Frame(serde_json::from_slice(&payload)?));
                    }
                    Frame::Text { event, .. } if event == "phx_close" => return Ok(Received::ChannelClosed),
                    Frame::Closed(_) => return Ok(Received::ChannelClosed),
                    Frame::Text { .. } => {}
                },
                _ = self.heartbeats.tick() => {
                    self.socket.heartbeat().await?;
                }
            }
        }
    }
}
