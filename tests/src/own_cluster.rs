//! What does a test do that needs a server of its own: to set it up otherwise, or to break it?

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use tokio_postgres::{Client, NoTls};
use xtask::cluster::{Cluster, Options};
use xtask::database::{self, AgoraSettings};
use xtask::test_environment::{TEMPLATE, TestEnvironment};

use crate::identity::Identity;
use crate::session::Session;

/// A server that nobody else uses, gone when this is dropped.
pub struct OwnCluster {
    pub cluster: Cluster,
    agora: AgoraSettings,
    log_file: PathBuf,
    /// Where this server's part of the log file begins.
    log_begins_at: usize,
}

impl OwnCluster {
    /// Starts an empty one.
    pub fn start(options: Options) -> Result<Self> {
        let log_file = options.log_file.clone();
        let log_begins_at = fs::read(&log_file).map_or(0, |log| log.len());
        Ok(Self {
            cluster: Cluster::start(options)?,
            agora: AgoraSettings::random()?,
            log_file,
            log_begins_at,
        })
    }

    /// Puts the whole product into a database that is there and empty.
    pub fn prepare(&self, database: &str) -> Result<()> {
        database::prepare(self.cluster.address(), database, &self.agora)
    }

    /// Makes the template that [`crate::database::TestDatabase::create_in`] copies, with whatever
    /// the statements of the superuser add to it.
    pub fn make_template(&self, more: &str) -> Result<TestEnvironment> {
        let address = self.cluster.address();
        address.create_empty_database(TEMPLATE)?;
        self.prepare(TEMPLATE)?;
        address
            .psql(xtask::cluster::SUPERUSER, TEMPLATE)
            .run(more)?;
        address.close_database(TEMPLATE)?;
        Ok(TestEnvironment {
            cluster: address.clone(),
            agora: self.agora.clone(),
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
}
