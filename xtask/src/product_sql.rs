//! The SQL of the product: the files of `sql/` in the order in which they are applied.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Folders of hand-written files, in the order in which they are applied; the files of each in the order of their names.
const WRITTEN_BY_HAND: [&str; 4] = [
    "sql/edition/native",
    "sql/schema",
    "sql/private",
    "sql/realtime",
];
const API: &str = "sql/api";
const HOST_APP: &str = "sql/host_app.sql";

/// One file: its path in the repository and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlFile {
    pub path: String,
    pub text: String,
}

/// Everything in `sql/`, in the order in which it is applied.
#[derive(Debug)]
pub struct ProductSql {
    /// Written by hand: tables, types, and the bodies of the operations.
    pub before_api: Vec<SqlFile>,
    /// Generated: what stream_core says, wrappers, forwarding bodies, rights.
    pub api: Vec<SqlFile>,
    /// The template of the host application's migration.
    pub host_app: Option<SqlFile>,
}

impl ProductSql {
    pub fn read(root: &Path) -> Result<Self> {
        let mut before_api = Vec::new();
        for directory in WRITTEN_BY_HAND {
            before_api.extend(read_directory(root, directory)?);
        }
        let mut host_app = read_directory(root, "sql")?;
        host_app.retain(|file| file.path == HOST_APP);
        Ok(Self {
            before_api,
            api: read_directory(root, API)?,
            host_app: host_app.into_iter().next(),
        })
    }

    /// Every file but the host application's, in the order in which they are applied.
    pub fn bundled(&self) -> impl Iterator<Item = &SqlFile> {
        self.before_api.iter().chain(&self.api)
    }
}

/// The SQL files of one directory; none where it is not there.
fn read_directory(root: &Path, directory: &str) -> Result<Vec<SqlFile>> {
    let entries = match fs::read_dir(root.join(directory)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {directory}")),
    };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.file_name().expect("is a file").to_string_lossy();
        let path_in_root = format!("{directory}/{name}");
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {path_in_root}"))?;
        Ok(SqlFile {
            path: path_in_root,
            text,
        })
    };
    paths.iter().map(read).collect()
}
