//! How does pg_stream_ext get from its sources into the Postgres of this machine?

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{console, privilege, process, workspace};

/// The Postgres major version that everything here is built against.
pub const POSTGRES_MAJOR: u32 = 15;

const LIBRARY: &str = "pg_stream_ext.so";
const CONTROL: &str = "pg_stream_ext/pg_stream_ext.control";
/// The SQL that cargo-pgrx generated, as committed.
pub const SQL: &str = "pg_stream_ext/sql/pg_stream_ext--0.1.0.sql";

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
        "supabase_local",
        "-p",
        "edge_api",
    ]);
    cargo.args(workspace::pgrx_flags()?);
    process::run(&mut cargo)?;
    Ok(workspace::target_dir()?.join("release"))
}

/// Puts the built library, the control file and the committed SQL where Postgres looks for them;
/// touches nothing that is there already. Fails as [`check_drift`] does.
pub fn install(release_dir: &Path) -> Result<()> {
    check_drift(release_dir)?;
    let installation = Installation::of_postgres()?;
    let library_name = format!("lib{LIBRARY}");
    let sql = workspace::root().join(SQL);
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

/// Fails when the committed SQL does not belong to the built library: cargo-pgrx names each function
/// `<name>_wrapper` in both.
pub fn check_drift(release_dir: &Path) -> Result<()> {
    let sql_file = workspace::root().join(SQL);
    let sql = fs::read_to_string(&sql_file)
        .with_context(|| format!("cannot read {}", sql_file.display()))?;
    let symbols = process::output(
        Command::new("nm")
            .args(["-D", "--defined-only", "--format=posix"])
            .arg(release_dir.join(format!("lib{LIBRARY}"))),
    )?;
    let declared = wrappers_in_sql(&sql);
    let exported = wrappers_in_symbols(&symbols);
    if declared == exported {
        return Ok(());
    }
    let only_sql: Vec<_> = declared.difference(&exported).collect();
    let only_library: Vec<_> = exported.difference(&declared).collect();
    bail!(
        "{SQL} is not the SQL of the built library: only in the SQL {only_sql:?}, only in the \
         library {only_library:?}; run `cargo x ext sql` and commit the result"
    )
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

fn wrappers_in_sql(sql: &str) -> BTreeSet<&str> {
    sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.ends_with("_wrapper"))
        .collect()
}

fn wrappers_in_symbols(symbols: &str) -> BTreeSet<&str> {
    symbols
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        // Postgres's description of a function's calling convention, one per function.
        .filter(|symbol| !symbol.starts_with("pg_finfo_"))
        .filter(|symbol| symbol.ends_with("_wrapper"))
        .collect()
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

    #[test]
    fn wrappers_of_sql_and_library_compare_without_their_descriptions() {
        let sql = "create function a() as 'MODULE_PATHNAME', 'a_wrapper'; -- b_wrapper";
        let symbols = "a_wrapper T 100\npg_finfo_a_wrapper T 200\nb_wrapper T 300\nother T 400";
        assert_eq!(wrappers_in_sql(sql), wrappers_in_symbols(symbols));
        assert_ne!(wrappers_in_sql(sql), wrappers_in_symbols("a_wrapper T 100"));
    }
}
