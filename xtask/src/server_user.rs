//! The user of the operating system that runs the Postgres server.
//!
//! Postgres refuses to run as root, so root hands the server to `postgres`, the user that Debian's
//! packages make, or to `nobody`, which every system has; anybody else runs it as themself.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::privilege;
use crate::process;

const NAMES_UNDER_ROOT: [&str; 2] = ["postgres", "nobody"];

/// The user that the server's processes belong to.
#[derive(Debug, Clone, Copy)]
pub enum ServerUser {
    Current,
    Other { uid: u32, gid: u32 },
}

impl ServerUser {
    /// Decides it for this process.
    pub fn choose() -> Result<Self> {
        if !privilege::is_root() {
            return Ok(Self::Current);
        }
        let id = |flag: &str, name: &str| {
            process::output(Command::new("id").args([flag, name]))
                .ok()?
                .parse()
                .ok()
        };
        let other = |name: &str| {
            Some(Self::Other {
                uid: id("-u", name)?,
                gid: id("-g", name)?,
            })
        };
        NAMES_UNDER_ROOT
            .into_iter()
            .find_map(other)
            .context("Postgres refuses to run as root, and there is no user `postgres` or `nobody`")
    }

    /// Makes a command run as this user, with an empty environment: a server must not inherit
    /// secrets, locale or `PG*` variables from a terminal.
    pub fn apply(self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .current_dir("/");
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
    }

    /// Whether this user can reach into `directory`.
    pub fn can_enter(self, directory: &Path) -> bool {
        let mut command = Command::new("test");
        command.arg("-x").arg(directory);
        self.apply(&mut command);
        process::succeeds(&mut command)
    }

    /// Makes a directory that only this user (and root) can open.
    pub fn create_private_directory(self, directory: &Path) -> Result<()> {
        let failed = || format!("cannot make the directory {}", directory.display());
        fs::DirBuilder::new()
            .mode(0o700)
            .create(directory)
            .with_context(failed)?;
        if let Self::Other { uid, gid } = self {
            chown(directory, Some(uid), Some(gid)).with_context(failed)?;
        }
        Ok(())
    }
}
