//! The directory `.local/` of this checkout, for what belongs to the machine and not to the repository.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{secrets, workspace};

/// How the names of fresh directories begin.
const FRESH: &str = "pg_stream-";

/// `.local/`, or a directory inside it; made when it is not there.
pub fn directory(name: &str) -> Result<PathBuf> {
    let directory = workspace::root().join(".local").join(name);
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot make the directory {}", directory.display()))?;
    Ok(directory)
}

/// Makes something of this checkout unless it is made. A second command that needs it meanwhile waits, and finds it; so whatever
/// else of an unfinished one is there, a killed command has left.
pub fn make_once(
    name: &str,
    is_made: impl Fn() -> bool,
    make: impl FnOnce() -> Result<()>,
) -> Result<()> {
    if is_made() {
        return Ok(());
    }
    let _making = lock(name)?;
    if is_made() {
        return Ok(());
    }
    make()
}

/// Waits until no other command of this checkout holds the lock of this name, and holds it until it is dropped. The kernel frees
/// it when its holder dies.
fn lock(name: &str) -> Result<File> {
    let path = directory("")?.join(format!("{name}.lock"));
    let failed = || format!("cannot lock {}", path.display());
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(failed)?;
    file.lock().with_context(failed)?;
    Ok(file)
}

/// Removes the directories of [`fresh_directory_name`] in `parent`. Only in [`make_once`] of what makes them there.
pub fn clear_fresh_directories(parent: &Path) -> Result<()> {
    let entries =
        fs::read_dir(parent).with_context(|| format!("cannot read {}", parent.display()))?;
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(FRESH) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// A name for a directory under `parent` that nobody else uses; the caller makes the directory.
pub fn fresh_directory_name(parent: &Path) -> Result<PathBuf> {
    Ok(parent.join(format!("{FRESH}{}", secrets::random_hex(4)?)))
}

/// Writes a JSON file that only its owner can read, in one step: a reader sees the old or the new one.
pub fn write_private_json(path: &Path, value: &impl Serialize) -> Result<()> {
    write_private(path, &serde_json::to_vec_pretty(value)?)
}

/// Writes a file that only its owner can read, in one step: a reader sees the old or the new one.
pub fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let unfinished = PathBuf::from(unfinished);
    let _ = fs::remove_file(&unfinished);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .with_context(failed)?;
    file.write_all(content).with_context(failed)?;
    fs::rename(&unfinished, path).with_context(failed)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn of_several_commands_at_once_one_makes_it_and_none_clears_what_is_being_made() {
        let name = format!("test-{}", secrets::random_hex(4).expect("is random"));
        let made = directory("")
            .expect("is there")
            .join(format!("{name}.made"));
        let unfinished = made.with_extension("new");
        let begin = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    begin.wait();
                    let make = || {
                        fs::create_dir(&unfinished)?;
                        thread::yield_now();
                        fs::rename(&unfinished, &made)?;
                        Ok(())
                    };
                    make_once(&name, || made.is_dir(), make).expect("nobody else makes it");
                });
            }
        });
        assert!(made.is_dir());
        fs::remove_dir(&made).expect("is there");
        fs::remove_file(
            directory("")
                .expect("is there")
                .join(format!("{name}.lock")),
        )
        .expect("is there");
    }

    #[test]
    fn only_fresh_directories_are_cleared() -> Result<()> {
        let parent = fresh_directory_name(&std::env::temp_dir())?;
        let fresh = fresh_directory_name(&parent)?;
        let kept = parent.join("17.11.0");
        fs::create_dir_all(fresh.join("bin"))?;
        fs::create_dir_all(&kept)?;
        clear_fresh_directories(&parent)?;
        assert!(!fresh.exists() && kept.exists());
        fs::remove_dir_all(&parent)?;
        Ok(())
    }
}
