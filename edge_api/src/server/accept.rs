//! Accepting connections until the server stops, and waiting for what was begun.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::service::TowerToHyperService;
use metrics::counter;
use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::connection::{self, Connection};
use super::exchange::Shared;
use super::refusal::Refusals;
use super::settings::ServerSettings;
use super::slots::{Full, Slots};
use crate::budget::Budget;
use crate::metrics::CONNECTIONS_REFUSED;

/// One client may take one part in so many of the memory for bodies: whoever sends slowly holds it for seconds.
const CLIENTS_OF_BODY_MEMORY: usize = 8;

/// The same of the memory for heads that were sent in part: one client has 128 at a time.
const CLIENTS_OF_HEAD_MEMORY: usize = 16;

/// For connections to end and free what the kernel lacks; who waits meanwhile waits in the kernel's queue.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts until `stop`, then lets the connections end within the settings' drain time.
pub(super) async fn run(
    listener: TcpListener,
    router: Router,
    settings: ServerSettings,
    stop: impl Future<Output = ()> + Send,
) {
    let drain = settings.drain;
    let mut server = Server::new(router, settings);
    let mut acceptor = Acceptor::new(listener);
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(_) = server.tasks.join_next() => {}
            (stream, peer) = acceptor.accept() => server.take(stream, peer.ip()),
        }
    }
    drop(acceptor);
    server.stopping.send_replace(true);
    let ended = async { while server.tasks.join_next().await.is_some() {} };
    if timeout(drain, ended).await.is_err() {
        tracing::warn!("stopping although requests are still open");
    }
}

/// The connections of a running server, which end with it.
struct Server {
    shared: Arc<Shared>,
    slots: Arc<Slots>,
    refusals: Refusals,
    stopping: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Server {
    fn new(router: Router, settings: ServerSettings) -> Self {
        Self {
            slots: Slots::new(
                settings.max_connections,
                settings.max_connections_per_address,
            ),
            refusals: Refusals::new(),
            stopping: watch::Sender::new(false),
            tasks: JoinSet::new(),
            shared: Arc::new(Shared {
                router: TowerToHyperService::new(router),
                http: connection::http(settings.head_timeout),
                body_memory: Budget::new(settings.body_memory_bytes, CLIENTS_OF_BODY_MEMORY),
                head_memory: Budget::new(settings.head_memory_bytes, CLIENTS_OF_HEAD_MEMORY),
                settings,
            }),
        }
    }

    fn take(&mut self, stream: TcpStream, peer: IpAddr) {
        let peer = peer.to_canonical();
        let is_proxy = self.shared.settings.trusted_proxies.contains(peer);
        let slot = match self.slots.take((!is_proxy).then_some(peer)) {
            Ok(slot) => slot,
            Err(full) => return self.refuse(stream, full),
        };
        // Answers are single writes; waiting to join them would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let connection = Connection {
            shared: self.shared.clone(),
            peer,
            stop: self.stopping.subscribe(),
        };
        self.tasks.spawn(async move {
            connection.run(stream).await;
            drop(slot);
        });
    }

    fn refuse(&mut self, stream: TcpStream, full: Full) {
        let reason = match full {
            Full::All => "full",
            Full::Address => "address",
        };
        counter!(CONNECTIONS_REFUSED, "reason" => reason).increment(1);
        if let Some(answer) = self.refusals.answer(stream) {
            self.tasks.spawn(answer);
        }
    }
}

/// A listener that waits while the kernel has nothing left for another connection.
struct Acceptor {
    listener: TcpListener,
    trouble: Trouble,
    /// Kept here, so that a cancelled call does not end the pause.
    pause_until: Option<Instant>,
}

impl Acceptor {
    fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            trouble: Trouble::default(),
            pause_until: None,
        }
    }

    /// The next connection. Cancelling it loses none.
    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            if let Some(until) = self.pause_until {
                sleep_until(until).await;
                self.pause_until = None;
            }
            match self.listener.accept().await {
                Ok(accepted) => {
                    self.trouble.is_over();
                    return accepted;
                }
                Err(error) if is_shortage(&error) => {
                    counter!(CONNECTIONS_REFUSED, "reason" => "kernel").increment(1);
                    if self.trouble.begins() {
                        tracing::error!(%error, "cannot accept connections; trying on");
                    }
                    self.pause_until = Some(Instant::now() + PAUSE);
                }
                // The client gave up while it waited.
                Err(error) => tracing::debug!(%error, "a connection was lost before it began"),
            }
        }
    }
}

/// A shortage that lasts, of which only the first failure is worth a line.
#[derive(Debug, Default)]
struct Trouble(bool);

impl Trouble {
    fn begins(&mut self) -> bool {
        !std::mem::replace(&mut self.0, true)
    }

    fn is_over(&mut self) {
        if std::mem::take(&mut self.0) {
            tracing::info!("accepting connections again");
        }
    }
}

/// Whether accepting failed for want of descriptors or memory: asking again at once would fail as well, and turn in
/// circles.
fn is_shortage(error: &io::Error) -> bool {
    let shortages = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|error| shortages.contains(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_is_told_from_a_client_that_left() {
        for (error, expected) in [
            (Errno::MFILE, true),
            (Errno::NFILE, true),
            (Errno::NOMEM, true),
            (Errno::CONNABORTED, false),
            (Errno::CONNRESET, false),
        ] {
            assert_eq!(is_shortage(&error.into()), expected, "{error}");
        }
    }

    #[test]
    fn a_shortage_is_logged_when_it_begins() {
        let mut trouble = Trouble::default();
        assert_eq!([trouble.begins(), trouble.begins()], [true, false]);
        trouble.is_over();
        assert!(trouble.begins());
    }
}
