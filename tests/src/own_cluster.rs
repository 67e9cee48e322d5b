//! A server of a test's own: to set it up otherwise, or to break it.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use tokio_postgres::{Client, NoTls};
use xtask::cluster::{Cluster, Options, Original};
use xtask::leaks;
use xtask::test_environment::{TEMPLATE, TestEnvironment};

use crate::database::TestDatabase;
use crate::identity::Identity;
use crate::session::Session;

/// A server that nobody else uses, gone when this is dropped. Its secrets are noted, and the statements
/// that it counted are kept for the search after the run.
pub struct OwnCluster {
    pub cluster: Cluster,
    name: String,
    log_file: PathBuf,
    /// Where this server's part of the log file begins.
    log_begins_at: usize,
    // Behind the server, which is stopped first.
    _name_in_use: NameInUse,
}

/// The directory and the log of a server bear its name, and all tests run in one process.
struct NameInUse(String);

static NAMES_IN_USE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

impl NameInUse {
    fn take(name: &str) -> Result<Self> {
        // A test that failed elsewhere leaves the set as it should be.
        let mut names = NAMES_IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(
            names.insert(name.to_owned()),
            "two servers are named {name}"
        );
        Ok(Self(name.to_owned()))
    }
}

impl Drop for NameInUse {
    fn drop(&mut self) {
        let mut names = NAMES_IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
        names.remove(&self.0);
    }
}

impl OwnCluster {
    /// Starts a copy of the original that is asked for, or of the server of all tests as it was before the first: with the
    /// template, its passwords and certificate.
    #[expect(
        clippy::disallowed_methods,
        reason = "all is noted, and kept when this ends"
    )]
    pub fn start(mut options: Options) -> Result<Self> {
        leaks::count_statements(&mut options.settings);
        let name = options.name.clone();
        let name_in_use = NameInUse::take(&name)?;
        let log_file = options.log_file.clone();
        let log_begins_at = fs::read(&log_file).map_or(0, |log| log.len());
        if options.original.is_none() {
            let environment = TestEnvironment::load()?;
            options.original = Some(Original {
                data_dir: environment.original_data_dir,
                passwords: environment.cluster.passwords,
            });
        }
        Ok(Self {
            cluster: Cluster::start(options)?,
            name,
            log_file,
            log_begins_at,
            _name_in_use: name_in_use,
        })
    }

    /// A server in which nobody but the test holds a snapshot, and one database in it. On the shared server,
    /// transactions of other tests keep dead rows from being cleared away; here autovacuum's ANALYZE would.
    pub async fn with_database(name: &str) -> Result<(Self, TestDatabase)> {
        let mut options = Options::temporary(name)?;
        options.settings.push("autovacuum=off".to_owned());
        let own = Self::start(options)?;
        let database = TestDatabase::create_in(own.make_template("")?).await?;
        Ok((own, database))
    }

    /// Completes the template that [`crate::database::TestDatabase::create_in`] copies with whatever the statements of the
    /// superuser add to it.
    pub fn make_template(&self, more: &str) -> Result<TestEnvironment> {
        let address = self.cluster.address();
        if !more.is_empty() {
            address.open_database(TEMPLATE)?;
            address
                .psql(xtask::cluster::SUPERUSER, TEMPLATE)
                .run(more)?;
            address.close_database(TEMPLATE)?;
        }
        // A test that kills its server loses what was counted until then, but not this.
        self.keep_statements()?;
        Ok(TestEnvironment {
            cluster: address.clone(),
            ..TestEnvironment::load()?
        })
    }

    /// A connection of a role that logs in.
    pub async fn connect(&self, role: &str, database: &str) -> Result<Client> {
        let url = self.cluster.address().url(role, database)?;
        let (client, connection) = tokio_postgres::connect(&url, NoTls)
            .await
            .with_context(|| format!("cannot connect to the database {database}"))?;
        // Ends by itself when the client is dropped; an error reaches the client's calls too.
        tokio::spawn(connection);
        Ok(client)
    }

    /// A connection of the API's login role, which acts as `identity`.
    pub async fn session(&self, identity: Identity, database: &str) -> Result<Session> {
        let client = self.connect("authenticator", database).await?;
        Ok(Session::new(client, identity))
    }

    /// What the server has logged since it was made.
    pub fn log(&self) -> Result<String> {
        let log = fs::read(&self.log_file)
            .with_context(|| format!("cannot read {}", self.log_file.display()))?;
        let own = log.get(self.log_begins_at..).unwrap_or_default();
        Ok(String::from_utf8_lossy(own).into_owned())
    }

    fn keep_statements(&self) -> Result<()> {
        TestEnvironment::load()?.keep_statements(&self.name, self.cluster.address())
    }
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        if let Err(error) = self.keep_statements() {
            eprintln!("{error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_refused_while_another_server_bears_it() -> Result<()> {
        let first = NameInUse::take("twice")?;
        assert!(NameInUse::take("twice").is_err());
        drop(first);
        NameInUse::take("twice")?;
        Ok(())
    }
}
