//! The SQL of the product: the files of `sql/` in the order in which they are applied.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Files of this number and above come after `sql/api/`: they look at what is there.
const AFTER_API: &str = "300";
const API: &str = "sql/api";
const HOST_APP_SOURCE: &str = "host_app";

/// One file: its path in the repository and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlFile {
    pub path: String,
    pub text: String,
}

/// Everything in `sql/`, each list in the order of the names.
#[derive(Debug)]
pub struct ProductSql {
    /// Written by hand: tables, types, and the bodies of the operations.
    pub before_api: Vec<SqlFile>,
    /// Generated from those: wrappers, forwarding bodies, rights.
    pub api: Vec<SqlFile>,
    /// Written by hand, about what all of these have made.
    pub after_api: Vec<SqlFile>,
    /// The template of the host application's migration.
    pub host_app: Option<SqlFile>,
}

impl ProductSql {
    pub fn read(root: &Path) -> Result<Self> {
        let mut sql = Self {
            before_api: Vec::new(),
            api: read_directory(root, API)?,
            after_api: Vec::new(),
            host_app: None,
        };
        for file in read_directory(root, "sql")? {
            if file.path.contains(HOST_APP_SOURCE) {
                sql.host_app = Some(file);
            } else if file.path.as_str() >= format!("sql/{AFTER_API}").as_str() {
                sql.after_api.push(file);
            } else {
                sql.before_api.push(file);
            }
        }
        Ok(sql)
    }

    /// Every file but the host application's, in the order in which they are applied.
    pub fn bundled(&self) -> impl Iterator<Item = &SqlFile> {
        self.before_api
            .iter()
            .chain(&self.api)
            .chain(&self.after_api)
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
