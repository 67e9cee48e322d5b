//! Debian's packages, installed with apt where something of the operating system is missing.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{find_program, output, succeeds};
use crate::{console, local_dir, log_tail, privilege};

/// Makes sure that libfaketime is here, for the tests of a server whose clock is wrong. It is only
/// loaded by the servers that name it.
pub fn ensure_faketime() -> Result<()> {
    if faketime_library().is_some() {
        return Ok(());
    }
    ensure_installed(&[&["libfaketime"]], "the library libfaketime")?;
    faketime_library()
        .map(|_| ())
        .context("libfaketime is installed, and in none of the directories of libraries")
}

/// Where libfaketime is: Debian keeps libraries in a directory of each architecture.
pub fn faketime_library() -> Option<PathBuf> {
    let of_architectures = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    ["/usr/lib", "/usr/lib64", "/usr/local/lib"]
        .map(PathBuf::from)
        .into_iter()
        .chain(of_architectures.map(|entry| entry.path()))
        .map(|directory| directory.join("faketime/libfaketime.so.1"))
        .find(|library| library.is_file())
}

/// Makes sure that a Python with pip is here and returns its name.
pub fn ensure_pip() -> Result<&'static str> {
    let find = || {
        ["python3", "/usr/bin/python3"]
            .into_iter()
            .find(|python| succeeds(Command::new(python).args(["-m", "pip", "--version"])))
    };
    if let Some(python) = find() {
        return Ok(python);
    }
    ensure_installed(&[&["python3-pip"]], "Python 3 with pip")?;
    find().context("python3 -m pip does not work although python3-pip is installed")
}

/// Installs the first of several sets of packages that apt offers.
pub fn ensure_installed(sets: &[&[&str]], in_words: &str) -> Result<()> {
    let first = sets.first().context("no package is named")?;
    require_apt(first, in_words)?;
    update_lists()?;
    let owned = |set: &[&str]| set.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let mut offered = sets
        .iter()
        .map(|set| owned(set))
        .filter(|set| are_offered(set));
    install(&offered.next().unwrap_or_else(|| owned(first)))
}

/// Whether apt can install these, at the versions that they may name.
pub fn are_offered(packages: &[String]) -> bool {
    simulate(packages).is_ok()
}

pub fn update_lists() -> Result<()> {
    console::step("fetching the lists of packages");
    privilege::run_as_root("apt-get", &["update", "-qq"])
}

pub fn install(packages: &[String]) -> Result<()> {
    let plan = simulate(packages).with_context(|| {
        format!(
            "the package sources of this machine do not offer {}; those of Debian 12 do",
            packages.join(" and ")
        )
    })?;
    for (package, old, new) in upgrades(&plan) {
        console::note(format_args!("this upgrades {package} from {old} to {new}"));
    }
    let log_file = local_dir::directory("log")?.join("apt.log");
    console::step(format_args!(
        "installing {}; see {}",
        packages.join(" "),
        log_file.display()
    ));
    let mut arguments = vec!["DEBIAN_FRONTEND=noninteractive", "apt-get", "install"];
    arguments.extend(["-y", "-qq", "--no-install-recommends"]);
    arguments.extend(packages.iter().map(String::as_str));
    let log = File::create(&log_file)?;
    privilege::run_as_root_into("env", &arguments, log.into())
        .with_context(|| log_tail::read(&log_file))
}

/// Fails, saying what to install by hand, where this cannot be done for the user.
pub fn require_apt(packages: &[&str], in_words: &str) -> Result<()> {
    let packages = packages.join(" ");
    if find_program("apt-get").is_none() {
        bail!(
            "this needs {in_words}; where there is apt, that is installed for you ({packages}), \
             here please install it yourself"
        );
    }
    if !privilege::can_become_root() {
        bail!(
            "this needs {in_words}, and neither root nor sudo is at hand to install them; \
             as root, run: apt-get install -y --no-install-recommends {packages}"
        );
    }
    Ok(())
}

fn simulate(packages: &[String]) -> Result<String> {
    output(
        Command::new("apt-get")
            .env("LC_ALL", "C.UTF-8")
            .args(["install", "--simulate", "--no-install-recommends"])
            .args(packages),
    )
}

/// Package, installed and coming version of every line `Inst name [old] (new ...`.
fn upgrades(plan: &str) -> Vec<(&str, &str, &str)> {
    plan.lines()
        .filter_map(|line| {
            let (package, rest) = line.strip_prefix("Inst ")?.split_once(" [")?;
            let (old, rest) = rest.split_once("] (")?;
            Some((package, old, rest.split_whitespace().next()?))
        })
        .collect()
}

pub fn installed_version(package: &str) -> Option<String> {
    let answer = output(Command::new("dpkg-query").args([
        "--show",
        "--showformat=${db:Status-Status} ${Version}",
        package,
    ]))
    .ok()?;
    answer.strip_prefix("installed ").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_replaced_packages_are_upgrades() {
        let plan = "Inst libpq5 [15.18-0] (15.20-0 Debian:12 [amd64])\n\
                    Inst postgresql-server-dev-15 (15.20-0 Debian:12 [amd64])\n\
                    Conf libpq5 (15.20-0 Debian:12 [amd64])";
        assert_eq!(upgrades(plan), [("libpq5", "15.18-0", "15.20-0")]);
    }
}
