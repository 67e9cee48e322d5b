//! Settings of the service: flags say where it listens, the environment holds everything else.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderValue;
use secrecy::SecretString;
use tokio_postgres::config::SslMode;

pub const USAGE: &str = "\
edge_api: HTTP service of live-auction streams

    edge_api [--listen ADDRESS] [--address-file FILE]

    --listen ADDRESS        where to listen; default 127.0.0.1:0, a free port
    --address-file FILE     write the address here once the service is listening

environment
    DATABASE_URL            postgres://... of a role that may become authenticated and service_role
    JWT_SECRET              the project's HS256 secret, at least 32 bytes
    CORS_ALLOWED_ORIGINS    origins of browser apps, separated by commas; default: none
    DATABASE_POOL_SIZE      connections to the database, 1 to 1000; default 10
    AGORA_WEBHOOK_SECRET    secret of Agora's notification service; without it POST /webhooks/agora is
                            refused
    AGORA_WEBHOOK_SECRET_SECONDARY
                            another one that counts as well, while the secret is being changed
    TICK_INTERVAL_MS        call stream.tick() this often, 50 to 60000, where no background worker
                            of the database does; default 0, never
    LOG                     levels, like info or info,edge_api=debug; default info
";

/// HS256 keys shorter than the hash can be guessed faster than the hash (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// PostgREST's `db-pool` default, since both share one database.
const DEFAULT_POOL_SIZE: usize = 10;
const MAX_POOL_SIZE: usize = 1000;

/// From what the background worker does to what pg_cron does at its slowest.
const TICK_INTERVALS_MS: RangeInclusive<u64> = 50..=60_000;

#[derive(Debug)]
pub struct Config {
    pub listen: SocketAddr,
    pub address_file: Option<PathBuf>,
    /// Its `Debug` leaves the password out.
    pub database: tokio_postgres::Config,
    pub pool_size: usize,
    /// None: somebody else ticks.
    pub tick_interval: Option<Duration>,
    pub jwt_secret: SecretString,
    /// Any of them may sign; none: notices are refused.
    pub webhook_secrets: Vec<SecretString>,
    pub allowed_origins: Vec<HeaderValue>,
}

/// The command that the command line gives.
#[derive(Debug)]
pub enum Command {
    Serve(Box<Config>),
    Help,
}

/// A message never repeats the value of a variable, which may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the command line")]
    Arguments(#[from] lexopt::Error),
    #[error("{0} is not set")]
    Missing(&'static str),
    #[error("{variable} {problem}")]
    Invalid {
        variable: &'static str,
        problem: &'static str,
    },
}

impl Command {
    /// `arguments` without the program's name; `variable` looks up the environment.
    pub fn read(
        arguments: impl IntoIterator<Item = OsString>,
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        use lexopt::prelude::*;

        let mut listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut address_file = None;
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("listen") => listen = parser.value()?.parse()?,
                Long("address-file") => address_file = Some(PathBuf::from(parser.value()?)),
                Short('h') | Long("help") => return Ok(Self::Help),
                _ => return Err(argument.unexpected().into()),
            }
        }
        // Set but empty counts as not set, as in most deployment tools.
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let required = |name| variable(name).ok_or(ConfigError::Missing(name));
        Ok(Self::Serve(Box::new(Config {
            listen,
            address_file,
            database: parse_database(&required("DATABASE_URL")?)?,
            pool_size: parse_pool_size(variable("DATABASE_POOL_SIZE"))?,
            tick_interval: parse_tick_interval(variable("TICK_INTERVAL_MS"))?,
            jwt_secret: parse_secret(required("JWT_SECRET")?)?,
            webhook_secrets: ["AGORA_WEBHOOK_SECRET", "AGORA_WEBHOOK_SECRET_SECONDARY"]
                .into_iter()
                .filter_map(variable)
                .map(Into::into)
                .collect(),
            allowed_origins: parse_origins(variable("CORS_ALLOWED_ORIGINS"))?,
        })))
    }
}

fn parse_database(url: &str) -> Result<tokio_postgres::Config, ConfigError> {
    let invalid = |problem| ConfigError::Invalid {
        variable: "DATABASE_URL",
        problem,
    };
    let database: tokio_postgres::Config = url
        .parse()
        .map_err(|_| invalid("is not a Postgres connection string"))?;
    // Said at the start instead of at every request.
    if database.get_ssl_mode() == SslMode::Require {
        return Err(invalid(
            "requires TLS, which this service does not speak to its database; \
             use a private network or a TLS tunnel",
        ));
    }
    Ok(database)
}

fn parse_pool_size(text: Option<String>) -> Result<usize, ConfigError> {
    let Some(text) = text else {
        return Ok(DEFAULT_POOL_SIZE);
    };
    text.parse()
        .ok()
        .filter(|size| (1..=MAX_POOL_SIZE).contains(size))
        .ok_or(ConfigError::Invalid {
            variable: "DATABASE_POOL_SIZE",
            problem: "is not a number from 1 to 1000",
        })
}

fn parse_tick_interval(text: Option<String>) -> Result<Option<Duration>, ConfigError> {
    let Some(text) = text else {
        return Ok(None);
    };
    match text.parse() {
        Ok(0) => Ok(None),
        Ok(interval_ms) if TICK_INTERVALS_MS.contains(&interval_ms) => {
            Ok(Some(Duration::from_millis(interval_ms)))
        }
        _ => Err(ConfigError::Invalid {
            variable: "TICK_INTERVAL_MS",
            problem: "is neither 0 nor a number from 50 to 60000",
        }),
    }
}

fn parse_secret(secret: String) -> Result<SecretString, ConfigError> {
    if secret.len() < MIN_SECRET_BYTES {
        return Err(ConfigError::Invalid {
            variable: "JWT_SECRET",
            problem: "is shorter than 32 bytes",
        });
    }
    Ok(secret.into())
}

fn parse_origins(list: Option<String>) -> Result<Vec<HeaderValue>, ConfigError> {
    let list = list.unwrap_or_default();
    let origins = list.split(',').map(str::trim);
    origins
        .filter(|origin| !origin.is_empty())
        .map(parse_origin)
        .collect()
}

/// An origin is scheme and host without a path; a browser sends exactly that, and a value that can
/// never match would look like a permission.
fn parse_origin(origin: &str) -> Result<HeaderValue, ConfigError> {
    let host = ["http://", "https://"]
        .iter()
        .find_map(|scheme| origin.strip_prefix(scheme));
    let value = host
        .filter(|host| !host.is_empty() && !host.contains(['/', '*', ' ']))
        .and_then(|_| HeaderValue::from_str(origin).ok());
    value.ok_or(ConfigError::Invalid {
        variable: "CORS_ALLOWED_ORIGINS",
        problem: "holds something else than origins like https://app.example.com",
    })
}

#[cfg(test)]
mod tests;
