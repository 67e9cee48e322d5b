//! What tests of the client in a browser need: Debian's Chromium, and the npm packages of the client, which drive it.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::demo_app::DemoApp;
use crate::node::Node;
use crate::process::find_program;
use crate::{client_package, packages};

const PACKAGE: &str = "chromium";

/// The folder of these tests.
const FOLDER: &str = "browser::";

/// Installs both, unless the arguments name tests of other folders alone.
pub fn ensure(arguments: &[OsString]) -> Result<()> {
    if !may_be_among(arguments) {
        return Ok(());
    }
    ensure_chromium()?;
    let node = Node::ensure()?;
    client_package::install(&node)?;
    DemoApp::ensure_built(&node).map(|_| ())
}

/// Installs the browser where it is missing.
pub fn ensure_chromium() -> Result<()> {
    if chromium().is_err() {
        packages::ensure_installed(&[&[PACKAGE]], "Chromium")?;
        chromium()?;
    }
    Ok(())
}

/// The path of the browser.
pub fn chromium() -> Result<PathBuf> {
    find_program(PACKAGE).context("there is no chromium")
}

fn may_be_among(arguments: &[OsString]) -> bool {
    let filter = arguments.iter().find_map(|word| {
        let word = word.to_str()?;
        word.contains("::").then_some(word)
    });
    filter.is_none_or(|filter| filter.contains(FOLDER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_of_another_folder_needs_no_browser() {
        let may = |arguments: &[&str]| {
            may_be_among(&arguments.iter().map(OsString::from).collect::<Vec<_>>())
        };
        assert!(may(&[]) && may(&["browser::"]) && may(&["--", "--nocapture"]) && may(&["leave"]));
        assert!(!may(&["client::"]) && !may(&["realtime::tokens", "--", "--nocapture"]));
    }
}
