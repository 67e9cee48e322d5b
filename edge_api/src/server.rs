//! Listening, serving each connection within its limits, and stopping without cutting off what was begun.
//!
//! One task accepts ([`accept`]); it refuses early what would be one connection too many ([`slots`]). One task serves each
//! connection ([`connection`]): it waits for bytes without holding a buffer, then lets hyper speak HTTP over a socket
//! whose writes have a time limit ([`socket`]), and knows at each moment how far the request under way is
//! ([`exchange`]).

mod accept;
mod connection;
pub mod descriptors;
mod exchange;
mod half_head;
mod host;
mod progress;
mod refusal;
mod settings;
mod slots;
mod socket;

use std::net::SocketAddr;
use std::path::Path;
use std::{fs, io};

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

pub use self::settings::ServerSettings;

/// Serves until `stop`; then takes no new connection, closes those on which no request is under way, and waits for the
/// others up to the settings' drain time.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: ServerSettings,
    stop: impl Future<Output = ()> + Send,
) {
    accept::run(listener, router, settings, stop).await;
}

/// Resolves at SIGTERM or SIGINT. The handlers are installed before this returns.
pub fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Writes the address and a line end; whoever waits for the file never reads half of it.
pub fn write_address(file: &Path, address: SocketAddr) -> io::Result<()> {
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(".new");
    fs::write(&unfinished, format!("{address}\n"))?;
    fs::rename(&unfinished, file)
}
