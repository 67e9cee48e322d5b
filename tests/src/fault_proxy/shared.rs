//! The state that a proxy shares with its connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use tokio::net::TcpStream;
use tokio::sync::watch;

use super::chance::Odds;

/// The state that the proxy shares with its connections.
pub(super) struct Shared {
    pub target: Mutex<SocketAddr>,
    pub seed: u64,
    pub odds: Mutex<Odds>,
    pub counts: Counts,
    /// Nothing is passed on while it is true.
    pub held: watch::Sender<bool>,
    /// Each change resets every open connection.
    pub reset: watch::Sender<u64>,
}

#[derive(Default)]
pub(super) struct Counts {
    pub delayed: AtomicU64,
    pub truncated: AtomicU64,
    pub cut: AtomicU64,
    pub reset: AtomicU64,
}

impl Shared {
    pub(super) async fn connect(&self) -> io::Result<TcpStream> {
        let target = *self.target.lock().expect("no panic with the lock");
        TcpStream::connect(target).await
    }
}
