//! The connection string of the database.

mod tls_parameters;

use std::ffi::OsStr;
use std::path::PathBuf;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use self::tls_parameters::TlsParameters;
use super::mistakes::Mistakes;
use super::secrets::{DATABASE_URL, Secret};
use crate::upstream::sql::tls::{Authorities, Tls, TlsError, TlsMode};

const DATABASE_CA_FILE: &str = "DATABASE_CA_FILE";

/// The value of `sslrootcert` that is no file.
const SYSTEM: &str = "system";

/// The database and the way to it. Its `Debug` leaves the password out.
#[derive(Debug)]
pub struct Connection {
    pub config: Config,
    pub tls: Tls,
}

/// What `url` says; notes what is wrong with it, never the text itself, which holds a password, and with the file of the
/// authority.
pub(super) fn parse(
    url: Option<&Secret>,
    ca_file: Option<&OsStr>,
    mistakes: &mut Mistakes,
) -> Connection {
    let mut connection = Connection {
        config: Config::new(),
        tls: Tls::DISABLED,
    };
    let mut parameters = TlsParameters::default();
    if let Some(url) = url {
        let taken = TlsParameters::take(url.expose());
        match parse_rest(&taken.rest) {
            Ok(config) => (connection.config, parameters) = (config, taken),
            Err(problem) => mistakes.note(DATABASE_URL, problem),
        }
    }
    match tls(&parameters, ca_file) {
        Ok(tls) => connection.tls = tls,
        Err((setting, problem)) => mistakes.note(setting, &problem),
    }
    connection
}

/// Refuses what the driver would refuse only when it connects, too.
fn parse_rest(rest: &str) -> Result<Config, &'static str> {
    let config: Config = rest
        .parse()
        .map_err(|_| "is not a Postgres connection string")?;
    let (names, addresses) = (config.get_hosts().len(), config.get_hostaddrs().len());
    let (hosts, ports) = (names.max(addresses), config.get_ports().len());
    match (hosts, ports) {
        (0, _) => Err("names no host"),
        _ if names.min(addresses) > 0 && names != addresses => {
            Err("names another number of hosts than of hostaddrs")
        }
        (_, 2..) if ports != hosts => Err("names another number of ports than of hosts"),
        _ => Ok(config),
    }
}

fn tls(parameters: &TlsParameters, ca_file: Option<&OsStr>) -> Result<Tls, (&'static str, String)> {
    const SSLMODE: &str = "DATABASE_URL: sslmode";
    let mode = parameters
        .sslmode
        .as_deref()
        .map(str::parse::<TlsMode>)
        .transpose();
    let mode = mode.map_err(|unknown| (SSLMODE, unknown.to_string()))?;
    let (authorities, named_by) = match (&parameters.sslrootcert, ca_file) {
        (Some(system), _) if system == SYSTEM => (Some(Authorities::System), DATABASE_URL),
        (Some(file), _) => (Some(Authorities::File(PathBuf::from(file))), DATABASE_URL),
        (None, Some(file)) => (
            Some(Authorities::File(PathBuf::from(file))),
            DATABASE_CA_FILE,
        ),
        (None, None) => (None, DATABASE_URL),
    };
    Tls::new(mode, authorities.as_ref()).map_err(|error| match error {
        TlsError::AuthorityUnused(_) | TlsError::AuthorityMissing | TlsError::SystemTooWeak => {
            (SSLMODE, error.to_string())
        }
        _ => (named_by, error.to_string()),
    })
}

/// Who connects to what: everything of a connection string that is no secret.
pub(super) fn describe(database: &Config) -> String {
    let hosts = database
        .get_hosts()
        .iter()
        .zip(database.get_ports().iter().chain(
            // A missing port is the last one given, or the usual.
            std::iter::repeat(database.get_ports().last().unwrap_or(&5432)),
        ));
    let hosts: Vec<_> = hosts
        .map(|(host, port)| match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(directory) => format!("{}:{port}", directory.display()),
        })
        .collect();
    format!(
        "{} at {}, database {}",
        database.get_user().unwrap_or("the system's user"),
        hosts.join(", "),
        database
            .get_dbname()
            .or(database.get_user())
            .unwrap_or("of the user's name"),
    )
}
