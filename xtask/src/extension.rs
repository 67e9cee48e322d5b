//! Building pg_stream_ext and installing it into the Postgres of this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{console, extension_sql, privilege, process, workspace};

/// The Postgres major version that everything here is built against.
pub const POSTGRES_MAJOR: u32 = 15;

pub(crate) const LIBRARY: &str = "pg_stream_ext.so";
pub(crate) const CONTROL: &str = "pg_stream_ext/pg_stream_ext.control";
/// Where a Postgres keeps its files, as its `pg_config` says.
#[derive(Debug)]
pub struct Installation {
    pub bin_dir: PathBuf,
    pub header_dir: PathBuf,
    library_dir: PathBuf,
    extension_dir: PathBuf,
    major: u32,
}

impl Installation {
    /// The one that the extension is built against.
    pub fn of_postgres() -> Result<Self> {
        let answer = process::output(Command::new(pg_config()).args([
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
        })
    }

    /// Fails unless this is a complete Postgres of the right major version: server and headers.
    pub fn check(&self) -> Result<()> {
        if self.major != POSTGRES_MAJOR {
            bail!("{} is of Postgres {}", pg_config().display(), self.major);
        }
        for needed in [
            self.bin_dir.join("postgres"),
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

/// The `pg_config` that pgrx is told to use, in `.cargo/config.toml`.
pub fn pg_config() -> PathBuf {
    std::env::var_os("PGRX_PG_CONFIG_PATH").map_or_else(|| "/usr/bin/pg_config".into(), Into::into)
}

/// Builds the extension and the two services for release; quick when nothing has changed. Returns
/// the directory that holds them.
pub fn build() -> Result<PathBuf> {
    require_place_or_root()?;
    console::step("building pg_stream_ext, supabase_local and edge_api (minutes the first time)");
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--release"]);
    cargo.args([
        "-p",
        "pg_stream_ext",
        "-p",
        "extension_sql",
        "-p",
        "supabase_local",
        "-p",
        "edge_api",
    ]);
    cargo.args(workspace::pgrx_flags()?);
    process::run(&mut cargo)?;
    Ok(workspace::target_dir()?.join("release"))
}

/// Puts the built library, the control file and the committed SQL where Postgres looks for them;
/// touches nothing that is there already. Fails as [`extension_sql::check`] does.
pub fn install(release_dir: &Path) -> Result<()> {
    extension_sql::check(release_dir)?;
    let installation = Installation::of_postgres()?;
    let library_name = format!("lib{LIBRARY}");
    let sql = workspace::root().join(extension_sql::SQL);
    let extension_dir = &installation.extension_dir;
    let files = [
        (
            release_dir.join(library_name),
            installation.library_dir.join(LIBRARY),
            "0755",
        ),
        (
            workspace::root().join(CONTROL),
            extension_dir.join("pg_stream_ext.control"),
            "0644",
        ),
        (
            sql.clone(),
            extension_dir.join(sql.file_name().expect("is a file")),
            "0644",
        ),
    ];
    for (from, to, mode) in files {
        let wanted = fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?;
        if fs::read(&to).is_ok_and(|installed| installed == wanted) {
            continue;
        }
        console::step(format_args!("installing {}", to.display()));
        install_file(&from, &to, mode)?;
    }
    Ok(())
}

/// Fails before the long build when its result could not be installed for the first time.
fn require_place_or_root() -> Result<()> {
    let library = Installation::of_postgres()?.library_dir.join(LIBRARY);
    if !library.exists() && !privilege::can_become_root() {
        bail!("only root can install the extension into Postgres, and sudo is not here");
    }
    Ok(())
}

fn install_file(from: &Path, to: &Path, mode: &str) -> Result<()> {
    if !privilege::can_become_root() {
        bail!(
            "only root can install the extension, and sudo is not here; as root, run: \
             install -m {mode} {} {}",
            from.display(),
            to.display()
        );
    }
    // Renamed into place: a server that has the old library mapped keeps the old file.
    let unfinished = to.with_extension("pg_stream-new");
    let mut install = privilege::as_root("install", ["-m", mode])?;
    install.arg(from).arg(&unfinished);
    let mut rename = privilege::as_root("mv", ["-f"])?;
    rename.arg(&unfinished).arg(to);
    for mut command in [install, rename] {
        let status = command
            .status()
            .with_context(|| format!("cannot install {}", to.display()))?;
        if !status.success() {
            bail!("cannot install {} ({status})", to.display());
        }
    }
    Ok(())
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
