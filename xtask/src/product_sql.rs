//! The SQL of the product: the files of `sql/` in the order in which they are applied.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::edition::Edition;

const HOST_APP: &str = "sql/host_app.sql";

/// One file: its path in the repository and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlFile {
    pub path: String,
    pub text: String,
}

/// Everything in `sql/`, each list in the order in which it is applied.
#[derive(Debug, Clone)]
pub struct ProductSql {
    pub edition: Edition,
    /// Schema `stream_ext` of the edition, tables, types and hooks, which are made once.
    pub schema: Vec<SqlFile>,
    /// Bodies, views, triggers and policies, which every release makes again.
    pub bodies: Vec<SqlFile>,
    /// Generated: what stream_core says, wrappers, forwarding bodies, rights.
    pub api: Vec<SqlFile>,
    /// The template of the host application's migration.
    pub host_app: Option<SqlFile>,
    /// What moves a database of the other edition to this one, but for what it applies.
    pub edition_move: Option<SqlFile>,
}

impl ProductSql {
    /// That of the edition with native code.
    pub fn read(root: &Path) -> Result<Self> {
        Self::of_edition(root, Edition::Native)
    }

    /// That of the edition that `cargo x --edition` chose.
    pub fn chosen(root: &Path) -> Result<Self> {
        Self::of_edition(root, Edition::chosen()?)
    }

    pub fn of_edition(root: &Path, edition: Edition) -> Result<Self> {
        let mut schema = Vec::new();
        let mut bodies = Vec::new();
        // What belongs to the edition comes first: the others use its functions.
        for file in read_directory(root, edition.sources())? {
            if file.path.ends_with("/schema.sql") {
                schema.push(file);
            } else {
                bodies.push(file);
            }
        }
        schema.extend(read_directory(root, "sql/schema")?);
        bodies.extend(read_directory(root, "sql/private")?);
        bodies.extend(read_directory(root, "sql/realtime")?);
        let host_app = read_directory(root, "sql")?;
        let edition_moves = read_directory(root, "sql/edition/move")?;
        Ok(Self {
            edition,
            schema,
            bodies,
            api: read_directory(root, "sql/api")?,
            host_app: host_app.into_iter().find(|file| file.path == HOST_APP),
            edition_move: edition_moves
                .into_iter()
                .find(|file| file.path == edition.move_source()),
        })
    }

    /// Every file that is not generated, but the host application's.
    pub fn hand_written(&self) -> impl Iterator<Item = &SqlFile> {
        self.schema.iter().chain(&self.bodies)
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
