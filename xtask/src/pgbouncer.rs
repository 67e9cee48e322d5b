//! Debian's pgbouncer, for the tests of the service behind a transaction pooler.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process::find_program;
use crate::{packages, privilege};

const PACKAGE: &str = "pgbouncer";

/// Debian's scripts start no service while this program refuses it.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Makes sure that it is here; it is not started.
pub fn ensure() -> Result<()> {
    if program().is_ok() {
        return Ok(());
    }
    packages::require_apt(&[PACKAGE], "pgbouncer, for tests")?;
    packages::update_lists()?;
    let has_policy = Path::new(POLICY).exists();
    if !has_policy {
        let write = format!("printf '#!/bin/sh\\nexit 101\\n' > {POLICY} && chmod 755 {POLICY}");
        privilege::run_as_root("sh", &["-c", &write])?;
    }
    let installed = packages::install(&[PACKAGE.to_owned()]);
    if !has_policy {
        privilege::run_as_root("rm", &["-f", POLICY])?;
    }
    installed?;
    program().map(|_| ())
}

/// The program's path.
pub fn program() -> Result<PathBuf> {
    find_program(PACKAGE).context("there is no pgbouncer")
}
