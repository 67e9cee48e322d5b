//! Listening, and stopping without cutting off open requests.

use std::future::pending;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// As long as one request may take.
pub const DRAIN: Duration = crate::deadline::LONGEST.saturating_add(crate::deadline::GRACE);

/// Serves until `stop`; then takes no new connection and waits up to `drain` for open requests.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
    drain: Duration,
) -> io::Result<()> {
    let (stopping, stopped) = oneshot::channel();
    let stop = async move {
        stop.await;
        // The receiver lives as long as this function.
        let _ = stopping.send(());
    };
    // Answers are single small writes; waiting to join them would only delay them.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
    });
    let server = axum::serve(listener, router).with_graceful_shutdown(stop);
    let too_long = async {
        match stopped.await {
            Ok(()) => tokio::time::sleep(drain).await,
            Err(_) => pending().await,
        }
    };
    tokio::select! {
        result = server => result,
        () = too_long => {
            tracing::warn!("stopping although requests are still open");
            Ok(())
        }
    }
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
