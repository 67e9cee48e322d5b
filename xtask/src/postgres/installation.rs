//! Where a Postgres keeps its files, as its `pg_config` says.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// The major versions that the extension has a feature for.
const MAJORS: [u32; 4] = [15, 16, 17, 18];

/// A complete Postgres: server, client programs and headers.
#[derive(Debug)]
pub struct Installation {
    pub bin_dir: PathBuf,
    pub header_dir: PathBuf,
    pub library_dir: PathBuf,
    pub extension_dir: PathBuf,
    pub major: u32,
    /// As `pg_config --version` writes it.
    pub version: String,
}

impl Installation {
    /// The one that a `pg_config` belongs to.
    pub fn of(pg_config: &Path) -> Result<Self> {
        if !pg_config.is_file() {
            bail!("{} is missing", pg_config.display());
        }
        let answer = process::output(Command::new(pg_config).args([
            "--bindir",
            "--includedir-server",
            "--pkglibdir",
            "--sharedir",
            "--version",
        ]))?;
        let lines: Vec<&str> = answer.lines().collect();
        let [bin_dir, header_dir, library_dir, share_dir, version] = lines[..] else {
            bail!("unexpected answer of pg_config: {answer}");
        };
        Ok(Self {
            bin_dir: bin_dir.into(),
            header_dir: header_dir.into(),
            library_dir: library_dir.into(),
            extension_dir: Path::new(share_dir).join("extension"),
            major: major(version).with_context(|| format!("unexpected version: {version}"))?,
            version: version.to_owned(),
        })
    }

    /// Fails unless this is a complete Postgres of a major version that the extension knows.
    pub fn check(&self) -> Result<()> {
        if !MAJORS.contains(&self.major) {
            bail!(
                "{} holds {}; the extension knows the major versions {MAJORS:?}",
                self.bin_dir.display(),
                self.version
            );
        }
        for needed in [
            self.bin_dir.join("postgres"),
            self.bin_dir.join("psql"),
            self.header_dir.join("postgres.h"),
        ] {
            if !needed.is_file() {
                bail!("{} is missing", needed.display());
            }
        }
        Ok(())
    }

    /// Whether `create extension` would find it.
    pub fn has_extension(&self, name: &str) -> bool {
        self.extension_dir.join(format!("{name}.control")).is_file()
    }
}

fn major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(1)?;
    number
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_version_has_a_major() {
        assert_eq!(major("PostgreSQL 15.20 (Debian 15.20-0+deb12u1)"), Some(15));
        assert_eq!(major("PostgreSQL 18beta1"), Some(18));
    }
}
