//! Flags and environment of the process, checked once at start.

mod host;
mod realtime;

use std::net::SocketAddr;
use std::path::PathBuf;

use lexopt::prelude::*;
use secrecy::SecretString;

pub use self::host::{HostConfig, HostSettingError};
pub use self::realtime::{NotANumber, RealtimeConfig};

/// Signing keys shorter than this many bytes are refused, as Supabase does.
pub const MIN_JWT_SECRET_BYTES: usize = 32;

/// The command that the command line gives.
pub enum Command {
    Help,
    /// Print the API keys that this secret signs.
    Keys(SecretString),
    Serve(Box<Config>),
}

/// Everything `serve` needs.
pub struct Config {
    pub listen: SocketAddr,
    /// Written with the address once requests and messages are served.
    pub address_file: Option<PathBuf>,
    /// Logs in as `authenticator`.
    pub database_url: SecretString,
    /// Logs in as `supabase_auth_admin`.
    pub auth_database_url: SecretString,
    /// Logs in as `realtime_gateway`.
    pub realtime_database_url: SecretString,
    pub jwt_secret: SecretString,
    /// Life of an access token from the sign-in routes.
    pub jwt_expiry_s: u32,
    /// Schemas whose functions are served; the first is the default.
    pub schemas: Vec<String>,
    pub realtime: RealtimeConfig,
    /// The files of the demo app, served on a loopback address alone; none: no app.
    pub demo_directory: Option<PathBuf>,
    /// The Agora project over which the demo app sends video; none: its own loopback engine.
    pub demo_agora_app_id: Option<String>,
    /// Listeners for devices of the local network; none: nothing listens beyond `listen`.
    pub host: Option<HostConfig>,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("no command given")]
    NoCommand,
    #[error("unknown command {0:?}")]
    UnknownCommand(String),
    #[error("{0}")]
    Argument(#[from] lexopt::Error),
    #[error("--listen is missing")]
    NoListen,
    #[error("{0} is not set")]
    NoVariable(&'static str),
    #[error("JWT_SECRET is shorter than {MIN_JWT_SECRET_BYTES} bytes")]
    ShortSecret,
    #[error("JWT_EXPIRY must be 1 to 604800 seconds")]
    Expiry,
    #[error("DB_SCHEMAS names no schema")]
    NoSchema,
    #[error(transparent)]
    Realtime(#[from] NotANumber),
    #[error(transparent)]
    Host(#[from] HostSettingError),
}

/// Reads flags from `parser` and the rest from `variable`.
pub fn from_command_line(
    mut parser: lexopt::Parser,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Command, ConfigError> {
    let mut command = None;
    let mut listen = None;
    let mut address_file = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("listen") => listen = Some(parser.value()?.parse::<SocketAddr>()?),
            Long("address-file") => address_file = Some(PathBuf::from(parser.value()?)),
            Value(value) if command.is_none() => command = Some(value.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let required = |name| variable(name).ok_or(ConfigError::NoVariable(name));
    let jwt_secret = |()| -> Result<SecretString, ConfigError> {
        let secret = required("JWT_SECRET")?;
        if secret.len() < MIN_JWT_SECRET_BYTES {
            return Err(ConfigError::ShortSecret);
        }
        Ok(secret.into())
    };
    match command.as_deref() {
        None => Err(ConfigError::NoCommand),
        Some("keys") => Ok(Command::Keys(jwt_secret(())?)),
        Some("serve") => Ok(Command::Serve(Box::new(Config {
            listen: listen.ok_or(ConfigError::NoListen)?,
            address_file,
            database_url: required("DATABASE_URL")?.into(),
            auth_database_url: required("AUTH_DATABASE_URL")?.into(),
            realtime_database_url: required("REALTIME_DATABASE_URL")?.into(),
            jwt_secret: jwt_secret(())?,
            jwt_expiry_s: expiry(variable("JWT_EXPIRY"))?,
            schemas: schemas(variable("DB_SCHEMAS"))?,
            realtime: RealtimeConfig::from_variables(&variable)?,
            demo_directory: variable("DEMO_DIRECTORY").map(PathBuf::from),
            demo_agora_app_id: variable("DEMO_AGORA_APP_ID").filter(|id| !id.is_empty()),
            host: HostConfig::from_variables(&variable)?,
        }))),
        Some(other) => Err(ConfigError::UnknownCommand(other.to_owned())),
    }
}

fn expiry(text: Option<String>) -> Result<u32, ConfigError> {
    match text {
        None => Ok(3600),
        Some(text) => text
            .parse()
            .ok()
            .filter(|seconds| (1..=604_800).contains(seconds))
            .ok_or(ConfigError::Expiry),
    }
}

fn schemas(text: Option<String>) -> Result<Vec<String>, ConfigError> {
    let text = text.unwrap_or_else(|| "public,stream".to_owned());
    let schemas: Vec<String> = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    if schemas.is_empty() {
        return Err(ConfigError::NoSchema);
    }
    Ok(schemas)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(
        arguments: &[&str],
        changed: &[(&str, Option<&str>)],
    ) -> Result<Box<Config>, ConfigError> {
        let parser = lexopt::Parser::from_args(arguments);
        let command = from_command_line(parser, |name| {
            if let Some((_, value)) = changed.iter().find(|(key, _)| *key == name) {
                return value.map(str::to_owned);
            }
            match name {
                "JWT_SECRET" => Some("s".repeat(MIN_JWT_SECRET_BYTES)),
                _ if name.ends_with("DATABASE_URL") => {
                    Some("postgresql://somebody@127.0.0.1/postgres".to_owned())
                }
                _ => None,
            }
        })?;
        match command {
            Command::Serve(config) => Ok(config),
            _ => panic!("not serve"),
        }
    }

    #[test]
    fn defaults_expose_public_and_stream_for_an_hour_per_token() {
        let config = serve(&["serve", "--listen", "127.0.0.1:0"], &[]).unwrap();
        assert_eq!(config.schemas, ["public", "stream"]);
        assert_eq!(config.jwt_expiry_s, 3600);
        assert!(config.address_file.is_none());
    }

    #[test]
    fn a_short_secret_is_refused() {
        let refused = serve(
            &["serve", "--listen", "127.0.0.1:0"],
            &[("JWT_SECRET", Some("short"))],
        );
        assert!(matches!(refused, Err(ConfigError::ShortSecret)));
    }

    #[test]
    fn a_missing_database_is_named() {
        let refused = serve(
            &["serve", "--listen", "127.0.0.1:0"],
            &[("AUTH_DATABASE_URL", None)],
        );
        assert!(matches!(
            refused,
            Err(ConfigError::NoVariable("AUTH_DATABASE_URL"))
        ));
    }

    #[test]
    fn serve_needs_an_address() {
        assert!(matches!(serve(&["serve"], &[]), Err(ConfigError::NoListen)));
    }
}
