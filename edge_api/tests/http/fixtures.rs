//! Answers of the database, recorded from a running one by `cargo x fixtures`.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

/// The answer of an operation, byte for byte.
pub fn fixture(operation: &str) -> String {
    fixtures()
        .remove(operation)
        .unwrap_or_else(|| panic!("no fixture of {operation}; `cargo x fixtures` writes them"))
}

/// Every answer, by operation.
pub fn fixtures() -> BTreeMap<String, String> {
    // Not the compiler's: another checkout may share its target directory.
    let package = env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package");
    let directory = Path::new(&package).join("tests/http/fixtures");
    let files = fs::read_dir(directory).expect("the fixtures");
    let files = files.map(|file| file.expect("a readable directory").path());
    files
        .map(|path| {
            let name = path.file_stem().and_then(|name| name.to_str());
            let name = name.expect("a name").to_owned();
            (name, fs::read_to_string(&path).expect("a readable file"))
        })
        .collect()
}
