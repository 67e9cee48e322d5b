//! `cargo x client expo`: the bundles of the Expo example, for both platforms.

use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::prelude::*;
use xtask::node::Node;
use xtask::{console, expo_example};

pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    match arguments.next()? {
        Some(Value(word)) if word == "expo" => super::expect_end(arguments)?,
        Some(other) => return Err(other.unexpected().into()),
        None => bail!("`cargo x client expo` is the one"),
    }
    for bundle in expo_example::export(&Node::ensure()?)? {
        console::answer(format_args!(
            "{}: {} kB in {}",
            bundle.platform,
            bundle.bytes / 1000,
            bundle.path.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}
