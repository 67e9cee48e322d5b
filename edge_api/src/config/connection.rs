//! The connection string of the database.

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::mistakes::Mistakes;
use super::secrets::{DATABASE_URL, Secret};

/// What `url` says; notes what is wrong with it, never the text itself, which holds a password.
pub(super) fn parse(url: Option<&Secret>, mistakes: &mut Mistakes) -> Config {
    let Some(url) = url else {
        return Config::new();
    };
    let Ok(database) = url.expose().parse::<Config>() else {
        mistakes.note(DATABASE_URL, "is not a Postgres connection string");
        return Config::new();
    };
    // Said at the start instead of at every request.
    if database.get_ssl_mode() == SslMode::Require {
        mistakes.note(
            DATABASE_URL,
            "requires TLS, which this service does not speak to its database; use a private network \
             or a TLS tunnel",
        );
    }
    database
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
