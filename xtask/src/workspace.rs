//! Where are this repository's files, and how is cargo called on them?

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process;

/// The first Rust release that the pinned pgrx declares; older ones build it all the same.
const PGRX_RUST_MINOR: u32 = 96;

/// The top directory of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a directory of the repository")
}

/// Cargo at the top of the repository, without the variables that `cargo run` gave to us: they
/// describe xtask and would reach the build scripts of other packages.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let described = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_NAME",
        ];
        if name
            .to_str()
            .is_some_and(|name| described.iter().any(|start| name.starts_with(start)))
        {
            command.env_remove(name);
        }
    }
    command
}

/// What to add to a cargo command that has pgrx in its graph.
pub fn pgrx_flags() -> Result<&'static [&'static str]> {
    let version = process::output(Command::new(rustc()).arg("--version"))?;
    let minor = version
        .split_whitespace()
        .nth(1)
        .and_then(|number| number.split('.').nth(1))
        .and_then(|minor| minor.parse::<u32>().ok())
        .with_context(|| format!("unexpected answer of rustc: {version}"))?;
    Ok(if minor < PGRX_RUST_MINOR {
        &["--ignore-rust-version"]
    } else {
        &[]
    })
}

/// Where cargo puts what it builds here.
pub fn target_dir() -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }

    let text = process::output(cargo().args([
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version=1",
    ]))?;
    let metadata: Metadata = serde_json::from_str(&text).context("cargo metadata")?;
    Ok(metadata.target_directory)
}

fn rustc() -> std::ffi::OsString {
    std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}
