//! The directory `.local/` of this checkout, for what belongs to the machine and not to the repository.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{secrets, workspace};

/// `.local/`, or a directory inside it; made when it is not there.
pub fn directory(name: &str) -> Result<PathBuf> {
    let directory = workspace::root().join(".local").join(name);
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot make the directory {}", directory.display()))?;
    Ok(directory)
}

/// A name for a directory under `parent` that nobody else uses; the caller makes the directory.
pub fn fresh_directory_name(parent: &Path) -> Result<PathBuf> {
    Ok(parent.join(format!("pg_stream-{}", secrets::random_hex(4)?)))
}

/// Writes a JSON file that only its owner can read, in one step: a reader sees the old or the new one.
pub fn write_private_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let unfinished = path.with_extension("json.new");
    let _ = fs::remove_file(&unfinished);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .with_context(failed)?;
    file.write_all(&serde_json::to_vec_pretty(value)?)
        .with_context(failed)?;
    fs::rename(&unfinished, path).with_context(failed)
}
