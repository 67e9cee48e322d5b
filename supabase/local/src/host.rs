//! Listening for devices of the local network, where `cargo x up --host` asks for it: plain, and with TLS.
//!
//! Browsers open a camera only for what came over TLS; apps and those who watch need none. Everything else of the stack
//! stays on the loopback address.

mod tls;

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use self::tls::{CertificateError, TlsListener, without_delay};
use crate::config::HostConfig;

#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("cannot listen on {address} for the local network: {source}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("cannot read the authority's certificate: {0}")]
    Authority(io::Error),
}

/// Both listeners, bound and not served yet.
pub struct Host {
    plain: TcpListener,
    tls: TcpListener,
    settings: tls::Settings,
    authority: Vec<u8>,
}

impl Host {
    pub async fn bind(config: HostConfig) -> Result<Self, HostError> {
        Ok(Self {
            plain: listen(config.plain).await?,
            tls: listen(config.tls).await?,
            settings: tls::Settings::read(&config.certificate_file, &config.key_file)?,
            authority: std::fs::read(&config.authority_file).map_err(HostError::Authority)?,
        })
    }

    /// Serves the routes on both until `stop`.
    pub fn serve(self, router: Router, stop: &CancellationToken, tasks: &TaskTracker) {
        let Self {
            plain,
            tls,
            settings,
            authority,
        } = self;
        // The type by which phones offer to trust it.
        let kind = [(header::CONTENT_TYPE, "application/x-x509-ca-cert")];
        let authority = get(async move || (kind, authority.clone()));
        let router = router.route("/_local/authority.pem", authority);
        let addresses = [&plain, &tls].map(|listener| listener.local_addr().ok());
        warn!(
            ?addresses,
            "devices of the local network can use the demo accounts"
        );
        let plain = plain.tap_io(|stream| without_delay(stream));
        let server = axum::serve(plain, router.clone())
            .with_graceful_shutdown(stop.clone().cancelled_owned());
        tasks.spawn(server.into_future());
        let tls = TlsListener::start(tls, settings, stop.clone(), tasks);
        let server =
            axum::serve(tls, router).with_graceful_shutdown(stop.clone().cancelled_owned());
        tasks.spawn(server.into_future());
        info!("serving the local network");
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, HostError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| HostError::Listen { address, source })
}
