//! The repository's files, and calling cargo on them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process;

/// The first Rust release that the pinned pgrx declares; older ones build it all the same.
const PGRX_RUST_MINOR: u32 = 96;

/// The top directory of the repository that this process works on: around the package for which cargo runs it,
/// else around the current directory. Never the one in which it was compiled: a target directory may be shared by
/// several checkouts, or copied from one to another, and cargo then takes the binary as it stands.
///
/// # Panics
///
/// When it is run by hand outside a checkout.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        package
            .as_deref()
            .and_then(around)
            .or_else(|| around(&std::env::current_dir().ok()?))
            .expect("neither CARGO_MANIFEST_DIR nor the current directory is in a checkout")
    })
}

/// The checkout around a directory, known by the package of this program at its top.
fn around(directory: &Path) -> Option<PathBuf> {
    let is_top =
        |path: &&Path| path.join("xtask/Cargo.toml").is_file() && path.join("Cargo.toml").is_file();
    directory.ancestors().find(is_top).map(Path::to_owned)
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

/// The flags to add to a cargo command that has pgrx in its graph.
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

/// The directory in which cargo builds.
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
