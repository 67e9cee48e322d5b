//! Connections: one bounded pool per login role.

use std::time::Duration;

use deadpool_postgres::{
    BuildError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime,
};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::NoTls;

/// The time for which PostgREST waits for a connection of its pool.
const ACQUISITION_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// Without its source: the text of a URL may hold a password.
    #[error("{0} is not a Postgres URL")]
    Url(&'static str),
    #[error("a connection pool could not be made")]
    Pool(#[from] BuildError),
}

/// The failure of a statement of the gateway's own.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    #[error("no connection: {0}")]
    Pool(#[from] PoolError),
    #[error("{0}")]
    Database(#[from] tokio_postgres::Error),
}

/// Parses the URL in environment variable `name`.
pub fn parse_url(
    name: &'static str,
    url: &SecretString,
) -> Result<tokio_postgres::Config, DatabaseError> {
    let mut config: tokio_postgres::Config = url
        .expose_secret()
        .parse()
        .map_err(|_| DatabaseError::Url(name))?;
    config.connect_timeout(CONNECT_TIMEOUT);
    Ok(config)
}

/// A pool of at most `size` connections that show as `application_name`.
pub fn pool(
    mut config: tokio_postgres::Config,
    application_name: &str,
    size: usize,
) -> Result<Pool, DatabaseError> {
    config.application_name(application_name);
    let manager = Manager::from_config(
        config,
        NoTls,
        ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        },
    );
    Ok(Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(ACQUISITION_TIMEOUT))
        .create_timeout(Some(CONNECT_TIMEOUT))
        .recycle_timeout(Some(CONNECT_TIMEOUT))
        .build()?)
}
