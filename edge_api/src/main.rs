//! Start and end of the process.

use std::env;
use std::error::Error;
use std::process::ExitCode;

use edge_api::auth::Verifier;
use edge_api::config::{Command, Config, USAGE};
use edge_api::router::router;
use edge_api::state::AppState;
use edge_api::ticker::Ticker;
use edge_api::upstream::{UpstreamSettings, assemble};
use edge_api::{logging, server};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Command::read(env::args_os().skip(1), |name| env::var(name).ok()) {
        Ok(Command::Help) => {
            print!("{USAGE}");
            Ok(())
        }
        Ok(Command::Serve(config)) => run(*config).await,
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("edge_api: {}", sentence(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Config) -> Result<(), Box<dyn Error>> {
    logging::install(&env::var("LOG").unwrap_or_else(|_| "info".to_owned()))?;
    let stop = server::stop_signal()?;
    let stack = assemble(UpstreamSettings {
        database: config.database,
        connections: config.pool_size,
    })?;
    let upstream = stack.upstream.clone();
    let takes_webhooks = !config.webhook_secrets.is_empty();
    let state = AppState::new(upstream.clone(), Verifier::new(&config.jwt_secret))
        .with_webhook_secrets(config.webhook_secrets);
    let router = router(state, config.allowed_origins);

    let listener = TcpListener::bind(config.listen).await?;
    let address = listener.local_addr()?;
    // The socket accepts from here on; what arrives before `serve` waits in its queue.
    if let Some(file) = &config.address_file {
        server::write_address(file, address)?;
    }
    tracing::info!(%address, takes_webhooks, "listening");
    let interval = config.tick_interval;
    let ticker = interval.map(|interval| Ticker::start(upstream, interval));
    let served = server::serve(listener, router, stop, server::DRAIN).await;
    // Last, so that what the open requests did is emitted too.
    if let Some(ticker) = ticker {
        ticker.stop().await;
    }
    stack.finish().await;
    served?;
    tracing::info!("stopped");
    Ok(())
}

/// The error and what caused it, in one line.
fn sentence(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    let parts: Vec<_> = causes.map(ToString::to_string).collect();
    parts.join(": ")
}
