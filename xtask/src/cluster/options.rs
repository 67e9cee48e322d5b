//! The options of a throw-away cluster.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;

use crate::local_dir;

/// The kind of cluster that is wanted.
#[derive(Debug)]
pub struct Options {
    /// The run's name in `.local/runs/`; no two living clusters share one.
    pub name: String,
    /// The directory of the data directory, if the server's user can get there.
    pub parent: PathBuf,
    /// Whether a commit survives a crash of the machine (`fsync`).
    pub is_durable: bool,
    /// More settings for the server, as `name=value`.
    pub settings: Vec<String>,
    /// More variables for the server's environment, in which there are few.
    pub environment: Vec<(String, String)>,
    /// The file of the server's log.
    pub log_file: PathBuf,
    /// What the cluster begins as a copy of; otherwise it is empty.
    pub original: Option<Original>,
}

/// The data directory of a server that does not run, and the passwords of its roles that log in.
#[derive(Debug)]
pub struct Original {
    pub data_dir: PathBuf,
    pub passwords: BTreeMap<String, String>,
}

impl Options {
    /// A fast cluster under `/tmp`, for tests: a crash of the machine may lose it. The name is one
    /// of this process's own.
    pub fn temporary(name: &str) -> Result<Self> {
        Ok(Self {
            name: format!("{name}-{}", std::process::id()),
            parent: PathBuf::from("/tmp"),
            is_durable: false,
            settings: Vec::new(),
            environment: Vec::new(),
            log_file: local_dir::directory("log")?.join(format!("{name}-postgres.log")),
            original: None,
        })
    }
}
