//! `cargo x` works on the checkout in which it is run, wherever its binary was compiled.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use xtask::workspace;

/// A checkout of nothing but what `sql bundle` needs; gone when it is dropped.
struct Checkout(PathBuf);

impl Checkout {
    fn new(name: &str) -> Self {
        let top = std::env::temp_dir().join(format!("checkout-{name}-{}", std::process::id()));
        for directory in ["xtask", "sql/schema", "deep/inside", "supabase/migrations"] {
            fs::create_dir_all(top.join(directory)).unwrap();
        }
        for file in ["Cargo.toml", "xtask/Cargo.toml"] {
            fs::write(top.join(file), "").unwrap();
        }
        fs::write(top.join("sql/schema/010_it.sql"), format!("-- of {name}\n")).unwrap();
        Self(top)
    }

    fn bundle(&self) -> String {
        fs::read_to_string(
            self.0
                .join("supabase/migrations/20260102000000_stream_schema.sql"),
        )
        .unwrap_or_default()
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The binary beside this test's own: a path that was compiled in would be that of another checkout too.
fn copy_of_binary(to: &Path) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let binary = test.parent().unwrap().parent().unwrap().join("xtask");
    let copy = to.join("xtask-copy");
    fs::copy(binary, &copy).unwrap();
    copy
}

fn bundle_with(binary: &Path, directory: &Path, package: Option<&Path>) {
    let mut command = Command::new(binary);
    command.args(["sql", "bundle"]).current_dir(directory);
    match package {
        Some(package) => command.env("CARGO_MANIFEST_DIR", package),
        None => command.env_remove("CARGO_MANIFEST_DIR"),
    };
    assert!(command.status().unwrap().success());
}

#[test]
fn a_copied_binary_works_on_the_checkout_that_it_is_run_in() {
    let (one, other) = (Checkout::new("one"), Checkout::new("other"));
    let binary = copy_of_binary(&one.0);
    // As cargo runs it: it names the package, wherever the shell stands.
    bundle_with(&binary, &one.0, Some(&other.0.join("xtask")));
    assert!(other.bundle().contains("-- of other"));
    assert_eq!(one.bundle(), "");
    // By hand.
    bundle_with(&binary, &one.0.join("deep/inside"), None);
    assert!(one.bundle().contains("-- of one"));
}

#[test]
fn no_source_takes_a_path_from_the_compiler() {
    let needle = concat!("env!(\"CARGO_", "MANIFEST_DIR\")");
    let mut found = Vec::new();
    let mut read = 0;
    let mut directories = vec![workspace::root().to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let is_source = path.extension().is_some_and(|extension| extension == "rs");
            if entry.file_type().unwrap().is_dir() {
                let is_ours = !name.starts_with('.') && name != "target" && name != "node_modules";
                directories.extend(is_ours.then_some(path));
            } else if is_source {
                read += 1;
                let text = fs::read_to_string(&path).unwrap();
                found.extend(text.contains(needle).then_some(path));
            }
        }
    }
    assert!(read > 100, "only {read} sources were read");
    assert!(found.is_empty(), "{found:?}");
}
