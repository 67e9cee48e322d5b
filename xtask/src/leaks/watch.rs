//! What is written into logs while it is watched.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The lines written into the logs of a directory since a moment.
pub struct Watch {
    directory: PathBuf,
    lengths: BTreeMap<PathBuf, usize>,
}

impl Watch {
    /// From now on.
    pub fn begin(directory: &Path) -> Result<Self> {
        let logs = logs(directory)?;
        let lengths = logs.into_iter().map(|(path, bytes)| (path, bytes.len()));
        Ok(Self {
            directory: directory.to_owned(),
            lengths: lengths.collect(),
        })
    }

    /// Each log's new part, by its path; none of them is empty.
    pub fn written(&self) -> Result<Vec<(PathBuf, String)>> {
        let logs = logs(&self.directory)?.into_iter();
        let written = logs.filter_map(|(path, bytes)| {
            let old = self.lengths.get(&path).copied().unwrap_or(0);
            // A shorter one was begun anew.
            let new = bytes.get(old..).unwrap_or(&bytes);
            (!new.is_empty()).then(|| (path, String::from_utf8_lossy(new).into_owned()))
        });
        Ok(written.collect())
    }
}

fn logs(directory: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut logs = Vec::new();
    for entry in fs::read_dir(directory)
        .with_context(|| format!("cannot read {}", directory.display()))?
        .flatten()
    {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let bytes =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            logs.push((path, bytes));
        }
    }
    logs.sort();
    Ok(logs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_written_since_is_looked_at() {
        let directory = std::env::temp_dir().join(format!("leaks-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let (old, new) = (directory.join("old.log"), directory.join("new.log"));
        fs::write(&old, "before\n").unwrap();
        let watch = Watch::begin(&directory).unwrap();
        assert!(watch.written().unwrap().is_empty());
        fs::write(&old, "before\nafter\n").unwrap();
        fs::write(&new, "begun\n").unwrap();
        fs::write(directory.join("apt.txt"), "no log\n").unwrap();
        let written = watch.written().unwrap();
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(
            written,
            [(new, "begun\n".to_owned()), (old, "after\n".to_owned())]
        );
    }
}
