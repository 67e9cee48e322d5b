//! A listener whose connections have shaken hands: a client that never does holds up no other.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

/// Handshakes under way; further connections wait in the system's queue.
const MAX_HANDSHAKES: usize = 64;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that nobody has taken yet.
const QUEUE: usize = 16;
/// The pause after the system refused a connection, as when no file is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug, thiserror::Error)]
#[error("cannot use the certificate of the local network: {0}")]
pub struct CertificateError(String);

/// Certificate and key.
pub struct Settings(Arc<ServerConfig>);

impl Settings {
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let wrong = |error: &dyn std::fmt::Display| CertificateError(error.to_string());
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| wrong(&error))?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(&error))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&error))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| wrong(&error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

pub struct TlsListener {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: io::Result<SocketAddr>,
}

impl TlsListener {
    /// Accepts and shakes hands until `stop`.
    pub fn start(
        listener: TcpListener,
        settings: Settings,
        stop: CancellationToken,
        tasks: &TaskTracker,
    ) -> Self {
        let address = listener.local_addr();
        let (sender, ready) = mpsc::channel(QUEUE);
        let accepting = accept(listener, settings, sender, tasks.clone());
        tasks.spawn(async move {
            stop.run_until_cancelled(accepting).await;
        });
        Self { ready, address }
    }
}

async fn accept(
    listener: TcpListener,
    settings: Settings,
    ready: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
    tasks: TaskTracker,
) {
    let acceptor = TlsAcceptor::from(settings.0);
    let places = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "cannot accept a connection of the local network");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        without_delay(&stream);
        let handshake = acceptor.accept(stream);
        let ready = ready.clone();
        tasks.spawn(async move {
            let _place = place;
            match tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await {
                // Without a receiver the server has stopped.
                Ok(Ok(stream)) => drop(ready.send((stream, peer)).await),
                // A browser that does not trust the certificate ends its first attempt so.
                Ok(Err(error)) => debug!(%error, "a handshake failed"),
                Err(_) => debug!("a handshake took too long"),
            }
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The listener has stopped; so does whoever waits here.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.address {
            Ok(address) => Ok(*address),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }
}

/// A frame is one small write; waiting for more to send would only delay it.
pub fn without_delay(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        warn!(%error, "cannot set TCP_NODELAY");
    }
}
