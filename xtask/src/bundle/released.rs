//! Files that a release has handed out, by the digest of each: no later release changes one.
//!
//! `sql/released.sha256` lists them as `sha256sum` does, which can check them too. A line is added by `cargo x sql release` and never
//! changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::hex;

/// Where the list is committed.
pub const FILE: &str = "sql/released.sha256";

/// The first line, which `sha256sum` passes over.
const HEADER: &str = "# Migrations and extension SQL of releases; `cargo x sql release` adds lines, and none is changed.\n";

/// The list, by path in the repository.
#[derive(Debug, Default)]
pub struct Released(BTreeMap<String, String>);

impl Released {
    /// The committed list; empty where there is none.
    pub fn read(root: &Path) -> Result<Self> {
        let text = match fs::read_to_string(root.join(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {FILE}")),
        };
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let entries = lines.map(|line| {
            let (digest, path) = line
                .split_once("  ")
                .with_context(|| format!("{FILE} has the line `{line}`"))?;
            Ok((path.to_owned(), digest.to_owned()))
        });
        Ok(Self(entries.collect::<Result<_>>()?))
    }

    pub fn contains(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// Fails where a released file is not as it was handed out.
    pub fn check(&self, root: &Path) -> Result<()> {
        for (path, digest) in &self.0 {
            if digest_of(root, path)? != *digest {
                bail!(
                    "{path} was released and is not as it was: databases have applied it. Take the change back, and write \
                     another migration or another version of the extension"
                );
            }
        }
        Ok(())
    }

    /// Adds files that are not in the list yet, and writes it.
    pub fn add(&mut self, root: &Path, paths: impl IntoIterator<Item = String>) -> Result<()> {
        for path in paths {
            if !self.contains(&path) {
                let digest = digest_of(root, &path)?;
                self.0.insert(path, digest);
            }
        }
        let lines = self
            .0
            .iter()
            .map(|(path, digest)| format!("{digest}  {path}\n"));
        let text: String = std::iter::once(HEADER.to_owned()).chain(lines).collect();
        fs::write(root.join(FILE), text).with_context(|| format!("cannot write {FILE}"))
    }
}

fn digest_of(root: &Path, path: &str) -> Result<String> {
    let bytes = fs::read(root.join(path)).with_context(|| format!("cannot read {path}"))?;
    Ok(hex::of(&Sha256::digest(bytes)))
}
