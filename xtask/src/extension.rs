//! Building pg_stream_ext against the chosen Postgres and installing it there.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use rustix::fs::{Access, access};

use crate::extension_sql::{self, CONTROL, Generator};
use crate::postgres::{self, Installation, Origin};
use crate::{console, privilege, process, workspace};

const PACKAGE: &str = "pg_stream_ext";
const LIBRARY: &str = "pg_stream_ext.so";

/// What was built for release.
pub struct Built {
    /// Holds `supabase_local` and `edge_api`, which are the same for every Postgres.
    pub bin_dir: PathBuf,
    library: PathBuf,
}

impl Built {
    pub fn generator(&self) -> Generator {
        Generator {
            program: self.bin_dir.join("extension_sql"),
            library: self.library.clone(),
        }
    }
}

/// Builds the extension and the two services for release; quick when nothing has changed.
pub fn build() -> Result<Built> {
    let installation = postgres::installation()?;
    require_place_or_root(&installation)?;
    let bin_dir = build_programs(&["supabase_local", "edge_api", "extension_sql"])?;
    console::step(format_args!(
        "building pg_stream_ext for {} (minutes the first time)",
        installation.version
    ));
    process::run(&mut cargo_of_extension("build", &installation)?)?;
    Ok(Built {
        bin_dir,
        library: target_dir(&installation)?.join(format!("release/lib{LIBRARY}")),
    })
}

/// Builds the two services alone, for a server that loads no library; returns the directory that holds them.
pub fn build_services() -> Result<PathBuf> {
    build_programs(&["supabase_local", "edge_api"])
}

fn build_programs(packages: &[&str]) -> Result<PathBuf> {
    console::step("building supabase_local and edge_api (minutes the first time)");
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--release"]);
    cargo.args(packages.iter().flat_map(|package| ["-p", *package]));
    cargo.args(workspace::pgrx_flags()?);
    process::run(&mut cargo)?;
    Ok(workspace::target_dir()?.join("release"))
}

/// A command of cargo on the extension alone, for the chosen Postgres. In the profile of releases, so that
/// whatever the command is, bindgen is built and run once.
pub fn cargo_of_extension(command: &str, installation: &Installation) -> Result<Command> {
    let mut cargo = workspace::cargo();
    cargo
        .args([command, "--release", "-p", PACKAGE, "--no-default-features"])
        .arg(format!("--features=pg{}", installation.major))
        .arg("--target-dir")
        .arg(target_dir(installation)?)
        .args(workspace::pgrx_flags()?);
    Ok(cargo)
}

/// Puts the built library, the control file and the committed SQL where Postgres looks for them;
/// touches nothing that is there already. Fails as [`extension_sql::check`] does.
pub fn install(built: &Built) -> Result<()> {
    extension_sql::check(&built.generator())?;
    let installation = postgres::installation()?;
    let extension_dir = &installation.extension_dir;
    let mut files = vec![
        (
            built.library.clone(),
            installation.library_dir.join(LIBRARY),
            0o755,
        ),
        (
            workspace::root().join(CONTROL),
            extension_dir.join("pg_stream_ext.control"),
            0o644,
        ),
    ];
    // Of every version, and the scripts between them: ALTER EXTENSION UPDATE looks for those.
    for sql in extension_sql::files()? {
        let installed = extension_dir.join(sql.file_name().expect("is a file"));
        files.push((sql, installed, 0o644));
    }
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

fn target_dir(installation: &Installation) -> Result<PathBuf> {
    let name = Origin::chosen()?.target_name(installation.major);
    Ok(workspace::target_dir()?.join(name))
}

/// Fails before the long build when its result could not be installed for the first time.
fn require_place_or_root(installation: &Installation) -> Result<()> {
    let directory = &installation.library_dir;
    if !directory.join(LIBRARY).exists()
        && access(directory, Access::WRITE_OK).is_err()
        && !privilege::can_become_root()
    {
        bail!(
            "only root can install the extension into {}, and sudo is not here",
            directory.display()
        );
    }
    Ok(())
}

/// Renamed into place: a server that has the old library mapped keeps the old file.
fn install_file(from: &Path, to: &Path, mode: u32) -> Result<()> {
    let failed = || format!("cannot install {}", to.display());
    let unfinished = to.with_extension("pg_stream-new");
    if access(to.parent().expect("is in a directory"), Access::WRITE_OK).is_ok() {
        fs::copy(from, &unfinished).with_context(failed)?;
        fs::set_permissions(&unfinished, Permissions::from_mode(mode)).with_context(failed)?;
        return fs::rename(&unfinished, to).with_context(failed);
    }
    if !privilege::can_become_root() {
        bail!(
            "only root can install the extension, and sudo is not here; as root, run: \
             install -m {mode:o} {} {}",
            from.display(),
            to.display()
        );
    }
    let mut install = privilege::as_root("install", ["-m", &format!("{mode:o}")])?;
    install.arg(from).arg(&unfinished);
    let mut rename = privilege::as_root("mv", ["-f"])?;
    rename.arg(&unfinished).arg(to);
    for mut command in [install, rename] {
        let status = command.status().with_context(failed)?;
        if !status.success() {
            bail!("cannot install {} ({status})", to.display());
        }
    }
    Ok(())
}
