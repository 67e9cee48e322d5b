//! The app in `client/expo_example`: packed client, types, and the bundles of both platforms, made without a network.
//!
//! The package is on no registry, so what `npm pack` holds is unpacked into the example's `node_modules`, as an install
//! does with a package that has no dependencies.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::node::Node;
use crate::{client_package, console, local_dir, process, workspace};

const TYPESCRIPT: &str = "node_modules/typescript/bin/tsc";
const EXPO: &str = "node_modules/expo/bin/cli";
const PACKAGE: &str = "node_modules/@pg-stream/client";

/// The platforms for which Metro makes a bundle.
pub const PLATFORMS: [&str; 2] = ["android", "ios"];

/// A bundle smaller than this holds no React Native.
const LEAST_BUNDLE_BYTES: u64 = 500_000;

/// A bundle that was made.
#[derive(Debug)]
pub struct Bundle {
    pub platform: &'static str,
    pub path: PathBuf,
    pub bytes: u64,
}

/// Installs, checks the types against the real React Native and Agora, and exports the bundles of both platforms.
pub fn export(node: &Node) -> Result<Vec<Bundle>> {
    let example = workspace::root().join("client/expo_example");
    client_package::ensure_built(node)?;
    node.install_packages(&example)?;
    unpack_client(node, &example)?;
    console::step("checking the types of the example");
    run(node, &example, TYPESCRIPT, &["--noEmit"])?;

    let directory = local_dir::directory("expo")?;
    let mut bundles = Vec::new();
    for platform in PLATFORMS {
        console::step(format_args!(
            "exporting the bundle for {platform}, without a network"
        ));
        let output = directory.join(platform);
        let _ = fs::remove_dir_all(&output);
        let target = output.display().to_string();
        let options = ["--platform", platform, "--output-dir", &target];
        let fixed = ["export", "--max-workers", "2"];
        run(node, &example, EXPO, &[&fixed[..], &options[..]].concat())?;
        bundles.push(find_bundle(platform, &output)?);
    }
    Ok(bundles)
}

fn unpack_client(node: &Node, example: &Path) -> Result<()> {
    let directory = local_dir::directory("package")?;
    let client = workspace::root().join("client");
    let target = directory.display().to_string();
    node.npm(
        &client,
        &["pack", "--ignore-scripts", "--pack-destination", &target],
    )?;
    let tarball = newest_tarball(&directory)?;
    let package = example.join(PACKAGE);
    let _ = fs::remove_dir_all(&package);
    fs::create_dir_all(&package)?;
    process::run(
        Command::new("tar")
            .arg("-xzf")
            .arg(&tarball)
            .args(["--strip-components", "1", "-C"])
            .arg(&package),
    )
}

fn newest_tarball(directory: &Path) -> Result<PathBuf> {
    let mut tarballs: Vec<PathBuf> = fs::read_dir(directory)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    tarballs.retain(|path| path.extension().is_some_and(|extension| extension == "tgz"));
    tarballs.sort_by_key(|path| fs::metadata(path).and_then(|file| file.modified()).ok());
    tarballs.pop().context("npm pack wrote no tarball")
}

/// Expo says which file it is in `metadata.json`.
fn find_bundle(platform: &'static str, output: &Path) -> Result<Bundle> {
    let metadata = fs::read(output.join("metadata.json")).context("the export has no metadata")?;
    let metadata: serde_json::Value = serde_json::from_slice(&metadata)?;
    let name = metadata["fileMetadata"][platform]["bundle"]
        .as_str()
        .with_context(|| format!("the export has no bundle for {platform}"))?;
    let path = output.join(name);
    let bytes = fs::metadata(&path)?.len();
    if bytes < LEAST_BUNDLE_BYTES {
        bail!("the bundle for {platform} has {bytes} bytes only");
    }
    Ok(Bundle {
        platform,
        path,
        bytes,
    })
}

fn run(node: &Node, example: &Path, script: &str, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(&node.program);
    command
        .arg(script)
        .args(arguments)
        .current_dir(example)
        .env("PATH", node.search_path())
        .env("CI", "1")
        .env("NO_COLOR", "1")
        .env("EXPO_OFFLINE", "1")
        .env("EXPO_NO_TELEMETRY", "1")
        .stdout(std::io::stderr());
    process::run(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of an export with this metadata and a bundle of so many bytes.
    fn found(metadata: &str, bytes: usize) -> Result<Bundle> {
        let output = local_dir::fresh_directory_name(&std::env::temp_dir())?;
        fs::create_dir_all(&output)?;
        fs::write(output.join("metadata.json"), metadata)?;
        fs::write(output.join("index.hbc"), vec![0; bytes])?;
        let found = find_bundle("ios", &output);
        fs::remove_dir_all(&output)?;
        found
    }

    #[test]
    fn export_without_a_bundle_of_the_platform_fails() {
        let of = |platform: &str| {
            format!(r#"{{"fileMetadata":{{"{platform}":{{"bundle":"index.hbc"}}}}}}"#)
        };
        let whole = usize::try_from(LEAST_BUNDLE_BYTES).expect("is small");
        assert_eq!(
            found(&of("ios"), whole).expect("is there").bytes,
            LEAST_BUNDLE_BYTES
        );
        assert!(found(&of("ios"), whole - 1).is_err());
        assert!(found(&of("android"), whole).is_err());
    }
}
