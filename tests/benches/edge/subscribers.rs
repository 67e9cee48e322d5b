//! Subscribers of a stream's chat: real sockets of the stand-in for Supabase Realtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use stream_tests::chat_socket::{ChatSocket, FrameNumbers, Received};
use tokio::task::JoinSet;
use uuid::Uuid;

const JOINED_WITHIN: Duration = Duration::from_secs(30);
const SEEN_WITHIN: Duration = Duration::from_secs(30);
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

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
            let joined = ChatSocket::join(address, api_key, token, session);
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

async fn read(mut socket: ChatSocket, seen: Arc<Seen>) -> Result<()> {
    while let Received::Frame(frame) = socket.next().await? {
        seen.note(frame);
    }
    Ok(())
}

impl Seen {
    fn note(&self, frame: FrameNumbers) {
        let before = self.to_seq.load(Ordering::Relaxed);
        if before > 0 && frame.from_seq > before + 1 {
            self.holes.fetch_add(1, Ordering::Release);
        }
        self.frames.fetch_add(1, Ordering::Release);
        self.to_seq.fetch_max(frame.to_seq, Ordering::Release);
    }
}
