//! Packages that the operating system must bring, and installing those that are missing.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::extension::{Installation, POSTGRES_MAJOR};
use crate::process::{find_program, output, succeeds};
use crate::{console, interrupt, local_dir, privilege, services};

/// Tells Debian's scripts not to make a cluster of their own while a server package is installed.
const NO_MAIN_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/pg_stream.conf";

/// Makes sure that the Postgres server, its client and its headers are here.
pub fn ensure_postgres() -> Result<()> {
    let complaint = match Installation::of_postgres().and_then(|found| found.check()) {
        Ok(()) => return Ok(()),
        Err(complaint) => complaint,
    };
    console::step(format_args!(
        "Postgres {POSTGRES_MAJOR} is not complete here: {complaint:#}"
    ));
    let server = format!("postgresql-{POSTGRES_MAJOR}");
    let headers = format!("postgresql-server-dev-{POSTGRES_MAJOR}");
    require_apt(
        &[&server, &headers],
        "a Postgres 15 server with its headers, and libclang",
    )?;

    update_lists()?;
    let brings_server = installed_version(&server).is_none();
    if brings_server {
        forbid_main_cluster()?;
    }
    let installed = install(&with_installed_version(&server, &headers));
    if brings_server {
        run_as_root("rm", &["-f", NO_MAIN_CLUSTER])?;
    }
    installed?;
    Installation::of_postgres()?
        .check()
        .context("Postgres is still not complete")
}

/// Makes sure that the extension pg_cron is here, for the tests that schedule with it. It is only
/// loaded by the clusters that name it; no other one notices.
pub fn ensure_pg_cron() -> Result<()> {
    let is_here = || Ok::<_, anyhow::Error>(Installation::of_postgres()?.has_extension("pg_cron"));
    if is_here()? {
        return Ok(());
    }
    let package = format!("postgresql-{POSTGRES_MAJOR}-cron");
    // Next to another Postgres the package would bring Debian's own server along.
    if installed_version(&format!("postgresql-{POSTGRES_MAJOR}")).is_none() {
        bail!(
            "the tests need pg_cron in the Postgres that PGRX_PG_CONFIG_PATH names; \
             please install it there, as Debian's package {package} does for Debian's"
        );
    }
    require_apt(&[&package], "the extension pg_cron")?;
    update_lists()?;
    install(std::slice::from_ref(&package))?;
    if !is_here()? {
        bail!(
            "{package} is installed, but PGRX_PG_CONFIG_PATH names another Postgres than Debian's"
        );
    }
    Ok(())
}

/// Makes sure that libfaketime is here, for the tests of a server whose clock is wrong. It is only
/// loaded by the servers that name it.
pub fn ensure_faketime() -> Result<()> {
    if faketime_library().is_some() {
        return Ok(());
    }
    require_apt(&["libfaketime"], "the library libfaketime")?;
    update_lists()?;
    install(&["libfaketime".to_owned()])?;
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
    require_apt(&["python3-pip"], "Python 3 with pip")?;
    update_lists()?;
    install(&["python3-pip".to_owned()])?;
    find().context("python3 -m pip does not work although python3-pip is installed")
}

/// The packages to ask for: headers of the very version that is installed when the archive still has
/// them, so that an installed server stays as it is.
fn with_installed_version(server: &str, headers: &str) -> Vec<String> {
    let newest = vec![server.to_owned(), headers.to_owned()];
    let Some(version) = installed_version(server) else {
        return newest;
    };
    let same = vec![
        format!("{server}={version}"),
        format!("{headers}={version}"),
    ];
    if simulate(&same).is_ok() {
        same
    } else {
        newest
    }
}

fn update_lists() -> Result<()> {
    console::step("fetching the lists of packages");
    run_as_root("apt-get", &["update", "-qq"])
}

fn install(packages: &[String]) -> Result<()> {
    let plan = simulate(packages).with_context(|| {
        format!(
            "the package sources of this machine do not offer {}; \
             Debian 12 does, other releases can take it from the PostgreSQL project's own archive",
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
    run_as_root_into("env", &arguments, log.into()).with_context(|| services::tail(&log_file))
}

fn forbid_main_cluster() -> Result<()> {
    let directory = "/etc/postgresql-common/createcluster.d";
    run_as_root("mkdir", &["-p", directory])?;
    let write = format!("echo create_main_cluster = false > {NO_MAIN_CLUSTER}");
    run_as_root("sh", &["-c", &write])
}

/// Fails, saying what to install by hand, where this cannot be done for the user.
fn require_apt(packages: &[&str], in_words: &str) -> Result<()> {
    let packages = packages.join(" ");
    if find_program("apt-get").is_none() {
        bail!(
            "this needs {in_words}; on Debian 12 they are installed for you ({packages}), \
             here please install them yourself and let PGRX_PG_CONFIG_PATH name their pg_config"
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

fn installed_version(package: &str) -> Option<String> {
    let answer = output(Command::new("dpkg-query").args([
        "--show",
        "--showformat=${db:Status-Status} ${Version}",
        package,
    ]))
    .ok()?;
    answer.strip_prefix("installed ").map(str::to_owned)
}

fn run_as_root(program: &str, arguments: &[&str]) -> Result<()> {
    run_as_root_into(program, arguments, std::io::stderr().into())
}

/// In the terminal's own process group, where sudo may ask for a password and apt handles Ctrl-C.
fn run_as_root_into(program: &str, arguments: &[&str], output: Stdio) -> Result<()> {
    let mut command = privilege::as_root(program, arguments)?;
    command.stdout(output);
    let status = command
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    interrupt::check()?;
    if !status.success() {
        bail!("{program} failed ({status})");
    }
    Ok(())
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
