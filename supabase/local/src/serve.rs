//! The process: opens pools and the listener, runs until a signal, stops within two seconds.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::auth::Auth;
use crate::config::Config;
use crate::database::{self, DatabaseError};
use crate::demo::{Demo, Settings};
use crate::gateway::{self, Reach, Services};
use crate::host::{Host, HostError};
use crate::jwt::{self, ApiRole, SignError, TokenKey};
use crate::keys;
use crate::loopback::Loopback;
use crate::realtime::{Realtime, partitions, quota, replication};
use crate::rest::Rest;

/// PostgREST's default.
const REST_POOL_SIZE: usize = 10;
const AUTH_POOL_SIZE: usize = 4;
/// Supabase's on a small to large instance; each private join takes one for a transaction.
const REALTIME_POOL_SIZE: usize = 5;
/// The time within which the message stream must start.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// The time that open requests and sockets have after a signal.
const STOP_TIMEOUT: Duration = Duration::from_millis(1500);

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Replication(#[from] replication::ReplicationError),
    #[error("the message stream did not start within {} s", START_TIMEOUT.as_secs())]
    NotStreaming,
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("cannot write the address file: {0}")]
    AddressFile(std::io::Error),
    #[error("the server failed: {0}")]
    Io(#[from] std::io::Error),
}

/// Serves until SIGTERM or SIGINT.
pub fn run(config: Config) -> Result<(), ServeError> {
    eprintln!("supabase_local is for development and tests only. Never use it in production.");
    allow_many_sockets();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(serve(config))
}

async fn serve(config: Config) -> Result<(), ServeError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();

    let rest = database::parse_url("DATABASE_URL", &config.database_url)?;
    let auth = database::parse_url("AUTH_DATABASE_URL", &config.auth_database_url)?;
    let probe = database::parse_url("REALTIME_DATABASE_URL", &config.realtime_database_url)?;
    let source = replication::Source::from_config(&probe)?;

    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|source| ServeError::Listen {
            address: config.listen,
            source,
        })?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        warn!(%address, "listening beyond this machine; anyone who reaches it can use the demo accounts");
    }

    let host = match config.host {
        Some(host) => Some(Host::bind(host).await?),
        None => None,
    };

    let realtime_pool = database::pool(probe, "supabase_local_realtime", REALTIME_POOL_SIZE)?;
    let token_key = Arc::new(TokenKey::new(&config.jwt_secret));
    let realtime = Arc::new(Realtime::new(
        config.realtime,
        token_key.clone(),
        realtime_pool,
        stop.clone(),
        tasks.clone(),
    ));
    let rest_pool = database::pool(rest, "supabase_local_rest", REST_POOL_SIZE)?;
    let loopback = Loopback::new(rest_pool.clone(), stop.clone(), tasks.clone());
    let demo = match config.demo_directory {
        Some(directory) => Some(Demo {
            directory,
            settings: Settings {
                anon_key: keys::api_key(&token_key, ApiRole::Anon, jwt::now_s())?,
                agora_app_id: config.demo_agora_app_id,
            },
        }),
        None => None,
    };
    let services = Services {
        auth: Arc::new(Auth {
            token_key: token_key.clone(),
            jwt_expiry_s: config.jwt_expiry_s,
            issuer: format!("http://{address}/auth/v1"),
            pool: database::pool(auth, "supabase_local_auth", AUTH_POOL_SIZE)?,
        }),
        rest: Arc::new(Rest::new(token_key, config.schemas, rest_pool)),
        realtime: realtime.clone(),
        loopback: Arc::new(loopback),
        demo,
    };

    tasks.spawn(quota::keep(realtime.quota.clone(), stop.clone()));
    tasks.spawn(partitions::keep(realtime.clone(), stop.clone()));
    tasks.spawn(replication::keep(source, realtime.clone(), stop.clone()));
    if let Some(host) = host {
        let router = gateway::router(services.clone(), Reach::LocalNetwork);
        host.serve(router, &stop, &tasks);
    }
    let reach = if address.ip().is_loopback() {
        Reach::ThisMachine
    } else {
        Reach::Elsewhere
    };
    let router = gateway::router(services, reach);
    let listener = listener.tap_io(|stream| {
        // A frame is one small write; waiting for more to send would only delay it.
        if let Err(error) = stream.set_nodelay(true) {
            warn!(%error, "cannot set TCP_NODELAY");
        }
    });
    let server = axum::serve(listener, router)
        .with_graceful_shutdown(stop.clone().cancelled_owned())
        .into_future();
    let server = tasks.spawn(server);

    let started = tokio::select! {
        ready = announce(&realtime, config.address_file.as_deref(), address) => ready,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    };
    if started.is_ok() && !stop.is_cancelled() && realtime.hub.is_streaming() {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }

    info!("stopping");
    stop.cancel();
    tasks.close();
    if tokio::time::timeout(STOP_TIMEOUT, tasks.wait())
        .await
        .is_err()
    {
        warn!("some connections were still open and are cut");
    }
    server.abort();
    started
}

/// Waits for the message stream, then says where the server is.
async fn announce(
    realtime: &Realtime,
    address_file: Option<&Path>,
    address: SocketAddr,
) -> Result<(), ServeError> {
    tokio::time::timeout(START_TIMEOUT, realtime.hub.streaming())
        .await
        .map_err(|_| ServeError::NotStreaming)?;
    if let Some(path) = address_file {
        write_address(path, address).map_err(ServeError::AddressFile)?;
    }
    info!(%address, "serving");
    Ok(())
}

/// Written beside the file and renamed, so that a reader never sees half an address.
fn write_address(path: &Path, address: SocketAddr) -> std::io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let mut file = std::fs::File::create(&partial)?;
    writeln!(file, "{address}")?;
    file.sync_all()?;
    std::fs::rename(&partial, path)
}

/// Raises the soft limit of open files to the hard one: every socket is a file.
fn allow_many_sockets() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        eprintln!("supabase_local: cannot raise the limit of open files: {error}");
    }
}
