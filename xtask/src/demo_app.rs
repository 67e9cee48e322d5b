//! The demo app in `client/demo`: building it, and the settings with which the stand-in for Supabase serves it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::client_package::{self, is_newer_than, run_in};
use crate::node::Node;
use crate::{console, local_dir, workspace};

const VITE: &str = "node_modules/vite/bin/vite.js";
const TYPESCRIPT: &str = "node_modules/typescript/bin/tsc";

/// What decides how the build turns out, besides the sources and the package of the client.
const SETTINGS: [&str; 5] = [
    "index.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
];

/// The built app.
#[derive(Debug, Clone)]
pub struct DemoApp {
    directory: PathBuf,
    /// The Agora project that carries the video; none: the loopback engine does.
    agora_app_id: Option<String>,
}

impl DemoApp {
    /// Builds the app into `client/demo/dist`, unless that is newer than all that it is made of.
    pub fn ensure_built(node: &Node) -> Result<Self> {
        client_package::ensure_built(node)?;
        let directory = workspace::root().join("client/demo");
        node.install_packages(&directory)?;
        let is_built = || is_newer(&directory);
        local_dir::make_once("demo_app", is_built, || {
            console::step("building the demo app");
            run_in(
                &directory,
                node,
                VITE,
                &["build", "--logLevel", "warn"],
                &[],
            )
        })?;
        Ok(Self {
            directory: directory.join("dist"),
            agora_app_id: None,
        })
    }

    /// The same app with its video over a project of Agora.
    #[must_use]
    pub fn over_agora(self, app_id: Option<String>) -> Self {
        Self {
            agora_app_id: app_id,
            ..self
        }
    }

    /// The settings of the stand-in for Supabase that has it serve the app.
    pub fn variables(&self) -> Result<Vec<(&'static str, &str)>> {
        let Some(directory) = self.directory.to_str() else {
            bail!("{} is no UTF-8", self.directory.display());
        };
        let mut variables = vec![("DEMO_DIRECTORY", directory)];
        if let Some(app_id) = &self.agora_app_id {
            variables.push(("DEMO_AGORA_APP_ID", app_id));
        }
        Ok(variables)
    }
}

/// The tests and checks of the package of the client, and without arguments the types of the app that is made with it.
pub fn test_with_client(node: &Node, arguments: &[OsString]) -> Result<()> {
    client_package::test(node, arguments)?;
    if !arguments.is_empty() {
        return Ok(());
    }
    let directory = workspace::root().join("client/demo");
    node.install_packages(&directory)?;
    console::step("checking the types of the demo app");
    run_in(&directory, node, TYPESCRIPT, &["--noEmit"], &[])
}

fn is_newer(directory: &Path) -> bool {
    let mut parts = SETTINGS.map(|name| directory.join(name)).to_vec();
    parts.push(directory.join("src"));
    parts.push(workspace::root().join("client/dist/index.mjs"));
    is_newer_than(&directory.join("dist/index.html"), &parts)
}
