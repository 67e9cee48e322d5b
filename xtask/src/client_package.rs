//! The npm package of the client in `client/`: building it, and all that is checked about it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::node::Node;
use crate::{console, local_dir, process, workspace};

const TYPESCRIPT: &str = "node_modules/typescript/bin/tsc";
const BIOME: &str = "node_modules/@biomejs/biome/bin/biome";
const VITEST: &str = "node_modules/vitest/vitest.mjs";
const TSDOWN: &str = "node_modules/tsdown/dist/run.mjs";
const JEST: &str = "node_modules/jest/bin/jest.js";

/// A package of its own with the test on the real renderer of React Native: installing it takes 400 MB.
const REACT_NATIVE: &str = "tests/react_native";
/// The argument that asks for that test; no other run has it.
const REACT_NATIVE_ARGUMENT: &str = "react-native";

/// What decides how the build turns out, besides the sources.
const SETTINGS: [&str; 4] = [
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "tsdown.config.ts",
];

fn directory() -> PathBuf {
    workspace::root().join("client")
}

/// Builds the package into `client/dist`, unless that is newer than all of its sources.
pub fn ensure_built(node: &Node) -> Result<()> {
    let directory = directory();
    node.install_packages(&directory)?;
    let is_built = || is_newer(&directory);
    local_dir::make_once("client", is_built, || build(node))
}

/// Installs what it needs for its checks and its tests.
pub fn install(node: &Node) -> Result<()> {
    node.install_packages(&directory())
}

/// Types, format and rules, the tests, and the package as `npm pack` makes it. With arguments only the tests that they name;
/// `react-native` alone names the one that is not among the others.
pub fn test(node: &Node, arguments: &[OsString]) -> Result<()> {
    let directory = directory();
    node.install_packages(&directory)?;
    if arguments
        .first()
        .is_some_and(|first| first == REACT_NATIVE_ARGUMENT)
    {
        let smoke = directory.join(REACT_NATIVE);
        node.install_packages(&smoke)?;
        console::step("running the test of the client on React Native");
        return run_in(&smoke, node, JEST, &[], &arguments[1..]);
    }
    if !arguments.is_empty() {
        console::step("running tests of the client");
        return run(node, VITEST, &["run"], arguments);
    }
    console::step("checking the types of the client");
    run(node, TYPESCRIPT, &["--noEmit"], &[])?;
    console::step("checking format and rules of the client");
    run(node, BIOME, &["check", "--error-on-warnings", "."], &[])?;
    console::step("running the tests of the client");
    run(node, VITEST, &["run"], &[])?;
    build(node)?;
    console::step("checking the package of the client");
    run(node, "scripts/check_package.mjs", &[], &[])
}

fn build(node: &Node) -> Result<()> {
    console::step("building the package of the client");
    run(node, TSDOWN, &["--logLevel", "warn"], &[])
}

fn run(node: &Node, script: &str, fixed: &[&str], arguments: &[OsString]) -> Result<()> {
    run_in(&directory(), node, script, fixed, arguments)
}

/// Runs a script of the packages that are installed in a directory there.
pub(crate) fn run_in(
    directory: &Path,
    node: &Node,
    script: &str,
    fixed: &[&str],
    arguments: &[OsString],
) -> Result<()> {
    if !directory.join(script).is_file() {
        bail!("{} is not there", directory.join(script).display());
    }
    let mut command = Command::new(&node.program);
    command
        .arg(script)
        .args(fixed)
        .args(arguments)
        .current_dir(directory)
        .env("PATH", node.search_path())
        .env("NO_COLOR", "1");
    process::run(&mut command)
}

fn is_newer(directory: &Path) -> bool {
    let mut parts = SETTINGS.map(|name| directory.join(name)).to_vec();
    parts.push(directory.join("src"));
    is_newer_than(&directory.join("dist/index.mjs"), &parts)
}

/// Whether what was built is there, and no older than any file or directory that it is made of.
pub(crate) fn is_newer_than(built: &Path, parts: &[PathBuf]) -> bool {
    let Ok(built_at) = changed_at(built) else {
        return false;
    };
    parts.iter().all(|part| {
        let changed = match part.is_dir() {
            true => newest(part),
            false => changed_at(part),
        };
        changed.is_ok_and(|at| at <= built_at)
    })
}

/// When the newest file of a directory was changed.
fn newest(directory: &Path) -> Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    let entries =
        fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    for entry in entries {
        let path = entry?.path();
        // A file that is taken away changes its directory.
        newest = newest.max(changed_at(&path)?);
        if path.is_dir() {
            newest = newest.max(self::newest(&path)?);
        }
    }
    Ok(newest)
}

/// When a file was changed.
fn changed_at(path: &Path) -> Result<SystemTime> {
    let metadata = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(metadata.modified()?)
}
