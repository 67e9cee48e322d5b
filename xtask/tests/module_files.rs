//! Every Rust file of the workspace is a target or is listed by a module: a file that nobody lists is not compiled,
//! and its tests never run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;
use xtask::workspace;

#[test]
fn every_file_is_listed_by_a_module() -> Result<()> {
    let output = workspace::cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(workspace::root())
        .output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    for package in metadata["packages"].as_array().context("no packages")? {
        let path = |value: &Value| value.as_str().map(PathBuf::from);
        let manifest = path(&package["manifest_path"]).context("no manifest")?;
        let targets = package["targets"].as_array().context("no targets")?;
        let roots = targets
            .iter()
            .filter_map(|target| path(&target["src_path"]));
        let mut compiled = BTreeSet::new();
        for root in roots {
            let directory = root.parent().context("no directory")?.to_owned();
            add_modules(&root, &directory, &mut compiled)?;
        }
        let mut written = BTreeSet::new();
        add_files(
            manifest.parent().context("no directory")?,
            true,
            &mut written,
        )?;
        let forgotten: Vec<_> = written.difference(&compiled).collect();
        assert!(
            forgotten.is_empty(),
            "no module lists these files: {forgotten:#?}"
        );
    }
    Ok(())
}

/// A file and those that its `mod` lines name, which stand in `directory`.
fn add_modules(file: &Path, directory: &Path, found: &mut BTreeSet<PathBuf>) -> Result<()> {
    let source =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    found.insert(file.to_owned());
    let mut elsewhere = None;
    for line in source.lines() {
        if let Some(path) = line.trim().strip_prefix("#[path = \"") {
            elsewhere = path.strip_suffix("\"]");
            continue;
        }
        let words = line.trim().strip_suffix(';').unwrap_or_default();
        if let Some((visibility, name)) = words.rsplit_once("mod ")
            && (visibility.is_empty() || visibility.starts_with("pub"))
        {
            let parent = file.parent().context("no directory")?;
            let module = match elsewhere.take() {
                Some(path) => parent.join(path),
                None => directory.join(format!("{name}.rs")),
            };
            add_modules(&module, &directory.join(name), found)?;
        }
    }
    Ok(())
}

/// The Rust files of one package.
fn add_files(directory: &Path, is_root: bool, found: &mut BTreeSet<PathBuf>) -> Result<()> {
    if !is_root && directory.join("Cargo.toml").is_file() {
        return Ok(());
    }
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !name.starts_with('.') && name != "node_modules" && name != "target" {
                add_files(&path, false, found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.insert(path);
        }
    }
    Ok(())
}
