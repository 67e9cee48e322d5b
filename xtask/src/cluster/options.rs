//! The options of a throw-away cluster.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;

use crate::local_dir;

const DISK: &str = "/tmp";

/// A file system in memory on every Linux.
const MEMORY: &str = "/dev/shm";

/// Free bytes, of memory and of its file system, with which data is kept there: several times what a run of all tests takes.
const ENOUGH: u64 = 12 << 30;

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
    /// A fast cluster for tests, in memory where there is enough of it: a crash of the machine may lose it. The name is
    /// one of this process's own.
    pub fn temporary(name: &str) -> Result<Self> {
        Ok(Self {
            parent: fast_parent(),
            is_durable: false,
            ..Self::durable(name)?
        })
    }

    /// A cluster under `/tmp` whose commits survive a crash of the machine.
    pub fn durable(name: &str) -> Result<Self> {
        Ok(Self {
            name: format!("{name}-{}", std::process::id()),
            parent: PathBuf::from(DISK),
            is_durable: true,
            settings: Vec::new(),
            environment: Vec::new(),
            log_file: local_dir::directory("log")?.join(format!("{name}-postgres.log")),
            original: None,
        })
    }
}

/// A database has some 300 files: making them costs ten times the processor time on a disk.
fn fast_parent() -> PathBuf {
    let is_roomy = rustix::fs::statvfs(MEMORY)
        .is_ok_and(|file_system| file_system.f_bavail * file_system.f_frsize >= ENOUGH);
    let has_memory = std::fs::read_to_string("/proc/meminfo")
        .is_ok_and(|text| available(&text).is_some_and(|bytes| bytes >= ENOUGH));
    PathBuf::from(if is_roomy && has_memory { MEMORY } else { DISK })
}

/// What Linux can give without swapping, from the text of `/proc/meminfo`.
fn available(meminfo: &str) -> Option<u64> {
    let kilobytes = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let number = kilobytes.trim().strip_suffix("kB")?.trim();
    Some(number.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_memory_is_read() {
        let text = "MemTotal:       24683652 kB\nMemFree:         2000000 kB\nMemAvailable:   20000000 kB\n";
        assert_eq!(available(text), Some(20_480_000_000));
        assert_eq!(available("MemFree: 1 kB\n"), None);
    }
}
