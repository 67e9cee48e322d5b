//! What does a test find around it when `cargo x test` runs it?

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::cluster::Address;
use crate::database::AgoraSettings;
use crate::leaks::Secret;
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
    /// The App ID and certificate stored in the template.
    pub agora: AgoraSettings,
    /// Release builds of `supabase_local` and `edge_api`.
    pub bin_dir: PathBuf,
    /// A Node that the JavaScript clients run on; `client/demo` has its packages installed.
    pub node: PathBuf,
    /// Where the logs of services started by tests go.
    pub log_dir: PathBuf,
    /// Where tests note the secrets that must be in no log when all of them are done.
    pub secrets_file: PathBuf,
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
        let line = format!("{}\n", serde_json::to_string(&secret)?);
        // One write to the end of the file, so that the lines of several processes stay whole.
        File::options()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.secrets_file)
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .with_context(|| format!("cannot write {}", self.secrets_file.display()))
    }

    /// Every secret that was noted, and those of the template.
    pub fn secrets(&self) -> Result<Vec<Secret>> {
        let text = match std::fs::read_to_string(&self.secrets_file) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            text => text?,
        };
        let mut secrets = vec![Secret {
            what: "the Agora certificate".to_owned(),
            value: self.agora.certificate.clone(),
        }];
        for line in text.lines() {
            secrets.push(serde_json::from_str(line)?);
        }
        Ok(secrets)
    }

    /// Writes it where [`TestEnvironment::load`] of a child process finds it.
    pub fn save(&self, file: &Path) -> Result<()> {
        local_dir::write_private_json(file, self)
    }
}
