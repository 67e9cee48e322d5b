//! The Python programs that test the OpenAPI document, from PyPI: schemathesis, which makes requests from it, and
//! openapi-spec-validator, which knows the meta-schema.
//!
//! Exact versions of them and of all that they need, checked by their hashes, in a directory that any Python 3.11 or newer
//! reads. Nothing of the system is touched, and no virtual environment is needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::{console, hex, local_dir, packages, process, workspace};

/// From the top of the repository.
const REQUIREMENTS: &str = "xtask/python_packages.txt";

/// A Python and the directory of the packages.
#[derive(Debug)]
pub struct PythonPackages {
    python: PathBuf,
    directory: PathBuf,
}

impl PythonPackages {
    /// Installs them unless they are here.
    pub fn ensure() -> Result<Self> {
        let python = packages::ensure_pip()?;
        let packages = Self::of(python)?;
        local_dir::make_once(
            "python",
            || packages.directory.is_dir(),
            || packages.install(),
        )?;
        Ok(packages)
    }

    /// Those that `cargo x test` has installed.
    pub fn installed() -> Result<Self> {
        let packages = Self::of(packages::ensure_pip()?)?;
        ensure!(
            packages.directory.is_dir(),
            "the Python packages are not installed: run this test with `cargo x test e2e`"
        );
        Ok(packages)
    }

    /// Runs a module of theirs with nothing of the caller's environment.
    pub fn command(&self, module: &str) -> Command {
        let mut command = Command::new(&self.python);
        command
            .args(["-m", module])
            .env_clear()
            .env("PYTHONPATH", &self.directory)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// One directory for each list and each Python: some packages hold machine code for one of them.
    fn of(python: &'static str) -> Result<Self> {
        let list =
            fs::read(requirements()).with_context(|| format!("cannot read {REQUIREMENTS}"))?;
        let answer = process::output(Command::new(python).args([
            "-c",
            "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)",
        ]))?;
        // What PATH has may be a script that needs the caller's environment to find its Python.
        let (version, executable) = answer.trim().split_once(' ').context("no Python")?;
        let digest = hex::of(&Sha256::digest(list)[..6]);
        let name = format!("{version}-{digest}");
        Ok(Self {
            python: executable.into(),
            directory: local_dir::directory("python")?.join(name),
        })
    }

    fn install(&self) -> Result<()> {
        console::step("fetching schemathesis and openapi-spec-validator from PyPI");
        let mut unfinished = self.directory.clone().into_os_string();
        unfinished.push(".new");
        let _ = fs::remove_dir_all(&unfinished);
        process::output(
            Command::new(&self.python)
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                ])
                .args(["--no-compile", "--root-user-action", "ignore"])
                .args(["--only-binary=:all:", "--require-hashes", "--target"])
                .arg(&unfinished)
                .arg("--requirement")
                .arg(requirements()),
        )
        .context("schemathesis could not be installed; it needs Python 3.11 or newer")?;
        fs::rename(&unfinished, &self.directory)
            .with_context(|| format!("cannot make {}", self.directory.display()))
    }
}

fn requirements() -> PathBuf {
    workspace::root().join(Path::new(REQUIREMENTS))
}
