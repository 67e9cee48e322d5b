//! The environment of a test when `cargo x test` runs it.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::cluster::Address;
use crate::database::AgoraSettings;
use crate::leaks::{self, Secret};
use crate::local_dir;

/// Names the file that holds a [`TestEnvironment`].
pub const VARIABLE: &str = "PG_STREAM_TEST_ENVIRONMENT";

/// The database that every test copies; nobody connects to it.
pub const TEMPLATE: &str = "stream_template";

/// The cluster, the binaries and the settings that tests work with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TestEnvironment {
    /// A cluster whose database [`TEMPLATE`] holds the whole product and the demo users.
    pub cluster: Address,
    /// A copy of that cluster's data from before the first test, which tests' own servers begin with.
    pub original_data_dir: PathBuf,
    /// The App ID and certificate stored in the template.
    pub agora: AgoraSettings,
    /// Release builds of `supabase_local` and `edge_api`.
    pub bin_dir: PathBuf,
    /// A Node that the JavaScript clients run on; `client/scripted_demo` has its packages installed.
    pub node: PathBuf,
    /// The directory of the logs of services started by tests.
    pub log_dir: PathBuf,
    /// The file in which tests note the secrets that must be in no log when all of them are done.
    pub secrets_file: PathBuf,
    /// The file in which the statements of servers that are gone by then are kept for the same search.
    pub statements_file: PathBuf,
    /// The file in which tests note the broadcasts that were not as `contract/events.json` says; nothing where there are
    /// too many to compare, as in a benchmark.
    pub broadcasts_file: Option<PathBuf>,
}

/// The faults of the broadcasts of one database.
#[derive(Debug, Serialize, Deserialize)]
pub struct WrongBroadcasts {
    pub test: String,
    pub violations: Vec<String>,
}

/// The statements that a test's own server counted before it ended.
#[derive(Debug, Serialize, Deserialize)]
pub struct Statements {
    pub server: String,
    /// Or why they could not be read.
    pub read: Result<String, String>,
}

impl TestEnvironment {
    /// The one that `cargo x test` made; fails, saying so, when a test was started without it.
    pub fn load() -> Result<Self> {
        let file = std::env::var_os(VARIABLE)
            .context("this test needs a cluster: run it with `cargo x test`")?;
        let text = std::fs::read(&file)
            .with_context(|| format!("cannot read {}", Path::new(&file).display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Makes a database with the whole product in it, in a few tens of milliseconds.
    pub fn create_database(&self, name: &str) -> Result<()> {
        self.cluster.create_database_from_template(name, TEMPLATE)
    }

    /// Notes a secret that a test made, for the search at the end of the run.
    pub fn note_secret(&self, what: &str, value: &str) -> Result<()> {
        let secret = Secret {
            what: what.to_owned(),
            value: value.to_owned(),
        };
        append(&self.secrets_file, &secret)
    }

    /// Notes what the setting up of a cluster takes: its passwords and the certificate.
    pub fn note_secrets_of(&self, cluster: &Address, agora: &AgoraSettings) -> Result<()> {
        for (role, password) in &cluster.passwords {
            self.note_secret(&format!("the password of {role}"), password)?;
        }
        self.note_secret("the Agora certificate of a template", &agora.certificate)
    }

    /// Every secret that was noted.
    pub fn secrets(&self) -> Result<Vec<Secret>> {
        lines(&self.secrets_file)
    }

    /// Keeps what a server has counted so far, as it may be gone when the search begins.
    pub fn keep_statements(&self, server: &str, address: &Address) -> Result<()> {
        let statements = Statements {
            server: server.to_owned(),
            read: leaks::statements(address).map_err(|error| format!("{error:#}")),
        };
        append(&self.statements_file, &statements)
    }

    /// Everything that was kept.
    pub fn statements(&self) -> Result<Vec<Statements>> {
        lines(&self.statements_file)
    }

    /// Notes broadcasts that are not as declared.
    pub fn note_broadcasts(&self, wrong: &WrongBroadcasts) -> Result<()> {
        match &self.broadcasts_file {
            Some(file) => append(file, wrong),
            None => Ok(()),
        }
    }

    /// Every one that was noted.
    pub fn wrong_broadcasts(&self) -> Result<Vec<WrongBroadcasts>> {
        match &self.broadcasts_file {
            Some(file) => lines(file),
            None => Ok(Vec::new()),
        }
    }

    /// Writes it where [`TestEnvironment::load`] of a child process finds it.
    pub fn save(&self, file: &Path) -> Result<()> {
        local_dir::write_private_json(file, self)
    }
}

/// In one write to the end of the file, so that the lines of several processes stay whole.
fn append(file: &Path, value: &impl Serialize) -> Result<()> {
    let line = format!("{}\n", serde_json::to_string(value)?);
    File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut file| file.write_all(line.as_bytes()))
        .with_context(|| format!("cannot write {}", file.display()))
}

fn lines<T: DeserializeOwned>(file: &Path) -> Result<Vec<T>> {
    let text = match std::fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        text => text.with_context(|| format!("cannot read {}", file.display()))?,
    };
    text.lines()
        .map(|line| Ok(serde_json::from_str(line)?))
        .collect()
}
