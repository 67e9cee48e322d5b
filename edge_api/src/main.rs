//! Start and end of the process.

use std::env;
use std::error::Error;
use std::future::pending;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use edge_api::auth::{KeyRefresher, KeySource, Keys, Verifier};
use edge_api::canary::Canary;
use edge_api::config::auth::AuthSettings;
use edge_api::config::secrets::{Secret, Secrets};
use edge_api::config::{Command, Config, Settings};
use edge_api::metrics::Exposition;
use edge_api::rotation::{Rotation, RotationTask};
use edge_api::router::router;
use edge_api::server::{self, ServerSettings, descriptors};
use edge_api::state::AppState;
use edge_api::ticker::Ticker;
use edge_api::upstream::assemble;
#[cfg(feature = "postgrest")]
use edge_api::upstream::postgrest::Project;
use edge_api::upstream::sql::SqlSettings;
#[cfg(feature = "postgrest")]
use edge_api::upstream::{self, assemble_postgrest};
use edge_api::{logging, memory, metrics, routes};
use tokio::net::TcpListener;

/// A configuration with mistakes, as with most programs a wrong command line.
const WRONG_CONFIGURATION: u8 = 2;

fn main() -> ExitCode {
    let config = match Command::read(env::args_os().skip(1), |name| env::var_os(name)) {
        Ok(Command::Serve(config)) => *config,
        Ok(Command::Print(text)) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(mistakes) => {
            eprintln!("{mistakes}");
            return ExitCode::from(WRONG_CONFIGURATION);
        }
    };
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("edge_api: {}", sentence(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(config: Config) -> Result<(), Box<dyn Error>> {
    let Config {
        settings,
        secrets,
        key_set,
        database,
        canary,
        #[cfg(feature = "postgrest")]
        project,
    } = config;
    let log = logging::install(settings.observation.log.clone())?;
    let metrics = metrics::install()?.with_dropped_lines(log.dropped.clone());
    let stop = server::stop_signal()?;
    let limit = descriptors::raise_limit()?;
    let sql = SqlSettings {
        database: database.config,
        tls: database.tls,
        pooler: settings.database.database_pooler.into(),
        connections: settings.database.database_pool_size,
    };
    #[cfg(feature = "postgrest")]
    let stack = match project {
        Some(project) => stack_of_project(project, &settings)?,
        None => assemble(sql)?,
    };
    #[cfg(not(feature = "postgrest"))]
    let stack = assemble(sql)?;
    let metrics = metrics.with_database(stack.upstream.clone());
    let takes_webhooks = !secrets.webhooks.is_empty();
    let verifier = Arc::new(verifier(&settings.auth, &secrets, key_set)?);
    let rotation = Rotation::new(secrets, verifier.clone());
    let state = AppState::new(stack.upstream.clone(), verifier.clone())
        .with_rotating_webhook_secrets(rotation.webhooks())
        .with_breakers(stack.breakers.clone())
        .with_metrics(metrics.clone())
        .with_access_log(settings.observation.access_log())
        .with_limits(settings.limits())
        .with_answers(settings.connections.answers())
        .with_sync_poll_interval(settings.polling.sync_poll_interval_ms.0);
    let _rotation = RotationTask::start(rotation)?;
    let _keys = KeyRefresher::start(verifier);
    let _canary = Canary::start(canary, stack.upstream.clone())?;

    tokio::spawn(metrics.clone().keep_up());
    tokio::spawn(memory::keep_trimmed());
    if let Some(address) = settings.observation.metrics_listen {
        serve_metrics(address, metrics).await?;
    }
    let listener = TcpListener::bind(settings.server.listen).await?;
    let address = listener.local_addr()?;
    // The socket accepts from here on; what arrives before `serve` waits in its queue.
    if let Some(file) = &settings.server.address_file {
        server::write_address(file, address)?;
    }
    tracing::info!(%address, takes_webhooks, "listening");
    let interval = settings.ticker.tick_interval_ms.0;
    let ticker = interval.map(|interval| Ticker::start(stack.upstream.clone(), interval));
    let server_settings = settings
        .connections
        .server(max_connections(&settings, limit));
    let router = router(state, settings.browsers.cors_allowed_origins.0);
    server::serve(listener, router, server_settings, stop).await;
    // Last, so that what the open requests did is emitted too.
    if let Some(ticker) = ticker {
        ticker.stop().await;
    }
    stack.finish().await;
    tracing::info!("stopped");
    Ok(())
}

#[cfg(feature = "postgrest")]
fn stack_of_project(
    project: Project,
    settings: &Settings,
) -> Result<upstream::Stack, Box<dyn Error>> {
    if !project.serves_itself() {
        tracing::warn!(
            "SUPABASE_SERVICE_ROLE_KEY is not set: no ticks, no notices of Agora, and each call \
             goes out alone"
        );
    }
    let calls = settings.database.database_pool_size;
    Ok(assemble_postgrest(project, calls)?)
}

/// Answers GET /metrics at an address of its own, to the end of the process.
async fn serve_metrics(address: SocketAddr, metrics: Exposition) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "answering GET /metrics");
    let router = routes::metrics::router(metrics);
    let settings = ServerSettings::of_metrics();
    tokio::spawn(server::serve(listener, router, settings, pending()));
    Ok(())
}

/// As many connections as are wanted, unless the limit of open files leaves room for fewer.
fn max_connections(settings: &Settings, limit: usize) -> usize {
    let wanted = settings.connections.max_connections;
    let others = descriptors::Others {
        upstream: settings.database.database_pool_size,
        has_metrics: settings.observation.metrics_listen.is_some(),
    };
    let max_connections = descriptors::connections_within(limit, others, wanted);
    if max_connections < wanted {
        tracing::warn!(
            limit,
            max_connections,
            "the limit of open files leaves room for fewer connections than are allowed"
        );
    }
    max_connections
}

/// With the keys that count at the start, and the place where they are read again. A URL is not read yet.
fn verifier(
    settings: &AuthSettings,
    secrets: &Secrets,
    key_set: Option<Keys>,
) -> Result<Verifier, Box<dyn Error>> {
    let values = secrets.jwt.iter().map(Secret::value);
    let verifier =
        Verifier::with_keys(Keys::of_secrets(values)).with_issuer(settings.jwt_issuer.clone());
    let source = match (&settings.jwks_url, &settings.jwks_file) {
        (Some(url), _) => KeySource::url(url.clone())?,
        (None, Some(file)) => KeySource::file(file),
        (None, None) => return Ok(verifier),
    };
    Ok(verifier.with_key_source(source, key_set.unwrap_or_default()))
}

/// The error and what caused it, in one line.
fn sentence(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    let parts: Vec<_> = causes.map(ToString::to_string).collect();
    parts.join(": ")
}
