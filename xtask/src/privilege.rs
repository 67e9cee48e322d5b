//! Steps that only root may do.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::{Result, bail};
use rustix::process::geteuid;

use crate::process::find_program;

/// Whether this process is root itself.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Whether [`as_root`] can work at all.
pub fn can_become_root() -> bool {
    is_root() || find_program("sudo").is_some()
}

/// The command as root: as it is when this process is root, through `sudo` otherwise.
pub fn as_root<I>(program: &str, arguments: I) -> Result<Command>
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let mut command = if is_root() {
        Command::new(program)
    } else if find_program("sudo").is_some() {
        let mut sudo = Command::new("sudo");
        sudo.arg(program);
        sudo
    } else {
        bail!("{program} must run as root, and sudo is not installed");
    };
    command.args(arguments);
    Ok(command)
}
