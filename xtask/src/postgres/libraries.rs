//! The shared libraries, time zones and libclang that a Postgres from PyPI takes from the system.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::{packages, process};

/// What the server, the client programs and the tests' extensions are linked against, and the package of
/// Debian 12 that brings it. libicu, libkrb5 and the like come along with these.
const LIBRARIES: &[(&str, &str)] = &[
    ("libxml2.so", "libxml2"),
    ("libicu", "libxml2"),
    ("liblzma.so", "libxml2"),
    ("libssl.so", "libssl3"),
    ("libcrypto.so", "libssl3"),
    ("libgssapi_krb5.so", "libgssapi-krb5-2"),
    ("libkrb5", "libgssapi-krb5-2"),
    ("libk5crypto.so", "libgssapi-krb5-2"),
    ("libcom_err.so", "libgssapi-krb5-2"),
    ("libkeyutils.so", "libgssapi-krb5-2"),
    ("liblz4.so", "liblz4-1"),
    ("libzstd.so", "libzstd1"),
    ("libz.so", "zlib1g"),
    ("libreadline.so", "libreadline8"),
    ("libtinfo.so", "libtinfo6"),
    ("libstdc++.so", "libstdc++6"),
];

/// Programs and libraries that are run here, from the prefix on.
const RUN_HERE: &[&str] = &[
    "bin/postgres",
    "bin/initdb",
    "bin/psql",
    "bin/pg_recvlogical",
    "lib/pgcrypto.so",
];

const ZONES: &str = "/usr/share/zoneinfo/UTC";

/// Makes sure that what was unpacked under a prefix can run.
pub fn ensure(prefix: &Path) -> Result<()> {
    let before = missing(prefix)?;
    if before.is_empty() {
        return Ok(());
    }
    let mut needed = BTreeSet::new();
    for name in &before {
        match package_of(name) {
            Some(package) => needed.insert(package),
            None => bail!("Postgres needs {name}, which is not here; please install it"),
        };
    }
    let needed: Vec<&str> = needed.into_iter().collect();
    packages::ensure_installed(&[&needed], &format!("{} for Postgres", before.join(", ")))?;
    let after = missing(prefix)?;
    if !after.is_empty() {
        bail!(
            "Postgres still needs {}; here is another release of these than in Debian 12, \
             for which it was built: choose a Postgres of this machine with --pg",
            after.join(", ")
        );
    }
    Ok(())
}

/// Makes sure that libclang is here, with which pgrx reads the headers.
pub fn ensure_libclang() -> Result<()> {
    if std::env::var_os("LIBCLANG_PATH").is_some() || has_libclang() {
        return Ok(());
    }
    // The first pair is of Debian 12; every release has the last.
    packages::ensure_installed(
        &[
            &["libclang1-14", "libclang-common-14-dev"],
            &["libclang-dev"],
        ],
        "libclang, which reads Postgres's headers",
    )?;
    if !has_libclang() {
        bail!("libclang is installed, and in none of the directories of libraries");
    }
    Ok(())
}

/// What is not found of the libraries and the time zones.
fn missing(prefix: &Path) -> Result<Vec<String>> {
    let mut missing = BTreeSet::new();
    for file in RUN_HERE {
        let answer = process::output(Command::new("ldd").arg(prefix.join(file)))?;
        missing.extend(not_found(&answer).map(str::to_owned));
    }
    if !Path::new(ZONES).is_file() {
        missing.insert(ZONES.to_owned());
    }
    Ok(missing.into_iter().collect())
}

/// The names of ldd's lines `name => not found`.
fn not_found(answer: &str) -> impl Iterator<Item = &str> {
    answer
        .lines()
        .filter_map(|line| line.trim().strip_suffix(" => not found"))
}

fn package_of(name: &str) -> Option<&'static str> {
    if name == ZONES {
        return Some("tzdata");
    }
    let found = LIBRARIES.iter().find(|(start, _)| name.starts_with(start));
    found.map(|(_, package)| *package)
}

/// Looks where the crate clang-sys looks.
fn has_libclang() -> bool {
    let below = |directory: &str, inner: &str| {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path().join(inner));
        paths.collect::<Vec<PathBuf>>()
    };
    let mut directories = below("/usr/lib", "");
    directories.extend(below("/usr/lib", "lib"));
    directories.extend(["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from));
    directories.iter().any(|directory| {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries
            .into_iter()
            .any(|entry| is_libclang(&entry.file_name().to_string_lossy()))
    })
}

/// The C++ interface, which LLVM's tools bring along, is another library.
fn is_libclang(name: &str) -> bool {
    (name.starts_with("libclang.so") || name.starts_with("libclang-"))
        && name.contains(".so")
        && !name.starts_with("libclang-cpp.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_libraries_are_those_that_ldd_does_not_find() {
        let answer = "\tlinux-vdso.so.1 (0x00007ff3ee139000)\n\
                      \tliblz4.so.1 => not found\n\
                      \tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007ff3ed4cb000)\n\
                      \tlibicuuc.so.72 => not found\n";
        let found: Vec<&str> = not_found(answer).collect();
        assert_eq!(found, ["liblz4.so.1", "libicuuc.so.72"]);
        let packages: Vec<_> = found.into_iter().map(package_of).collect();
        assert_eq!(packages, [Some("liblz4-1"), Some("libxml2")]);
    }

    #[test]
    fn libclang_is_told_from_its_neighbours() {
        for name in ["libclang.so", "libclang-14.so.1", "libclang.so.1"] {
            assert!(is_libclang(name), "{name}");
        }
        for name in ["libclang-cpp.so.14", "libclangAST.a", "libclang-14.a"] {
            assert!(!is_libclang(name), "{name}");
        }
    }

    #[test]
    fn library_that_nobody_knows_has_no_package() {
        assert_eq!(package_of("libldap.so.2"), None);
        assert_eq!(package_of(ZONES), Some("tzdata"));
    }
}
