//! Steps that only root may do.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;

use crate::interrupt;
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

/// Runs a step as root; what it prints is seen.
pub fn run_as_root(program: &str, arguments: &[&str]) -> Result<()> {
    run_as_root_into(program, arguments, std::io::stderr().into())
}

/// In the terminal's own process group, where sudo may ask for a password and apt handles Ctrl-C.
pub fn run_as_root_into(program: &str, arguments: &[&str], output: Stdio) -> Result<()> {
    let mut command = as_root(program, arguments)?;
    command.stdout(output);
    let status = command
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    interrupt::check()?;
    if !status.success() {
        bail!("{program} failed ({status})");
    }
    Ok(())
}
