//! `.env.example` and the table of docs/operations.md say what the declaration of the settings says.
//!
//! `UPDATE_DOCS=1 cargo test -p edge_api --test http settings` writes them anew.

use std::path::{Path, PathBuf};
use std::{env, fs};

use edge_api::config;

const BEGIN: &str = "<!-- The table is written from the declaration of the settings. -->\n";
const END: &str = "<!-- End of the table. -->\n";

fn path(name: &str) -> PathBuf {
    // Not the compiler's: another checkout may share its target directory.
    let package = env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package");
    Path::new(&package).join(name)
}

fn compare(file: &Path, expected: &str) {
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(file, expected).expect("a file");
    }
    let found = fs::read_to_string(file).unwrap_or_default();
    assert!(
        found == expected,
        "{} is out of date: run UPDATE_DOCS=1 cargo test -p edge_api --test http settings",
        file.display()
    );
}

#[test]
fn the_example_of_an_environment_is_that_of_the_declaration() {
    compare(&path(".env.example"), &config::env_example());
}

#[test]
fn the_documentation_lists_every_setting() {
    let file = path("../docs/operations.md");
    let text = fs::read_to_string(&file).expect("a file");
    let (before, rest) = text.split_once(BEGIN).expect("the table begins");
    let (_, after) = rest.split_once(END).expect("the table ends");
    compare(
        &file,
        &format!("{before}{BEGIN}\n{}\n{END}{after}", config::table()),
    );
}
