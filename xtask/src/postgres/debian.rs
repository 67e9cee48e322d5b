//! Postgres 15 of Debian's own packages, installed with apt where it is missing.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::installation::Installation;
use crate::{console, packages, privilege};

/// What `--pg` calls it.
pub const NAME: &str = "debian15";
pub const PG_CONFIG: &str = "/usr/lib/postgresql/15/bin/pg_config";

const SERVER: &str = "postgresql-15";
/// They bring libclang along.
const HEADERS: &str = "postgresql-server-dev-15";

/// Tells Debian's scripts not to make a cluster of their own while a server package is installed.
const NO_MAIN_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/pg_stream.conf";

/// Makes sure that server, client programs and headers are here.
pub fn ensure() -> Result<()> {
    let complaint = match installation().and_then(|found| found.check()) {
        Ok(()) => return Ok(()),
        Err(complaint) => complaint,
    };
    console::step(format_args!(
        "Debian's Postgres 15 is not complete here: {complaint:#}"
    ));
    packages::require_apt(
        &[SERVER, HEADERS],
        "Debian's Postgres 15 with its headers, and libclang",
    )?;
    packages::update_lists()?;
    let brings_server = packages::installed_version(SERVER).is_none();
    if brings_server {
        forbid_main_cluster()?;
    }
    let installed = packages::install(&with_installed_version());
    if brings_server {
        privilege::run_as_root("rm", &["-f", NO_MAIN_CLUSTER])?;
    }
    installed?;
    installation()?
        .check()
        .context("Postgres is still not complete")
}

/// Makes sure that an extension is here. It is only loaded by the clusters that name it; no other one notices.
pub fn ensure_extension(extension: &str, package: &str) -> Result<()> {
    let is_here = || Ok::<_, anyhow::Error>(installation()?.has_extension(extension));
    if is_here()? {
        return Ok(());
    }
    packages::ensure_installed(&[&[package]], &format!("the extension {extension}"))?;
    if !is_here()? {
        bail!("{package} is installed, and brought no {extension} for Debian's Postgres 15");
    }
    Ok(())
}

/// The packages to ask for: headers of the very version that is installed when the archive still has
/// them, so that an installed server stays as it is.
fn with_installed_version() -> Vec<String> {
    let newest = vec![SERVER.to_owned(), HEADERS.to_owned()];
    let Some(version) = packages::installed_version(SERVER) else {
        return newest;
    };
    let same = vec![
        format!("{SERVER}={version}"),
        format!("{HEADERS}={version}"),
    ];
    if packages::are_offered(&same) {
        same
    } else {
        newest
    }
}

fn installation() -> Result<Installation> {
    Installation::of(Path::new(PG_CONFIG))
}

fn forbid_main_cluster() -> Result<()> {
    let directory = "/etc/postgresql-common/createcluster.d";
    privilege::run_as_root("mkdir", &["-p", directory])?;
    let write = format!("echo create_main_cluster = false > {NO_MAIN_CLUSTER}");
    privilege::run_as_root("sh", &["-c", &write])
}
