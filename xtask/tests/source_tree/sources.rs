//! The files of the repository that people write.

use std::fs;
use std::path::{Path, PathBuf};

use xtask::workspace;

/// What cargo, npm, `cargo x` and the client's build write.
const WRITTEN_BY_PROGRAMS: [&str; 3] = ["target", "node_modules", "dist"];

/// Paths from the top of the repository, sorted; hidden folders are left out, but for cargo's.
pub fn all() -> Vec<PathBuf> {
    let root = workspace::root();
    let mut found = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if entry.file_type().unwrap().is_dir() {
                let is_ours = (!name.starts_with('.') || name == ".cargo" || name == ".ci")
                    && !WRITTEN_BY_PROGRAMS.contains(&&*name);
                directories.extend(is_ours.then_some(path));
            } else {
                found.push(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

pub fn with_extension(extensions: &[&str]) -> Vec<PathBuf> {
    let mut files = all();
    files.retain(|file| extension_of(file).is_some_and(|found| extensions.contains(&found)));
    files
}

pub fn read(path: &Path) -> Option<String> {
    fs::read_to_string(workspace::root().join(path)).ok()
}

fn extension_of(path: &Path) -> Option<&str> {
    path.extension()?.to_str()
}
