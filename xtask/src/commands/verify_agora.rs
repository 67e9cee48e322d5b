//! `cargo x verify-agora`: a real join of Agora with the user's own project, and the first frame seen.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};
use lexopt::prelude::*;
use xtask::agora_verification::{self, APP_CERTIFICATE, APP_ID, Project};
use xtask::node::Node;
use xtask::{browser_tests, console};

pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let mut app_id = variable(APP_ID);
    let mut certificate = variable(APP_CERTIFICATE);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("app-id") => app_id = Some(arguments.value()?.string()?),
            // A list of processes would show the certificate itself.
            Long("certificate-file") => {
                let file = arguments.value()?.string()?;
                let read = fs::read_to_string(&file);
                certificate = Some(read.with_context(|| format!("cannot read {file}"))?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let project = Project::new(app_id.as_deref(), certificate.as_deref())?;
    agora_verification::expect_network()?;
    browser_tests::ensure_chromium()?;
    console::step("joining a channel of Agora as host and as viewer, in Chromium");
    let seen = agora_verification::verify(&Node::ensure()?, &project)?;
    console::answer(format_args!(
        "verified: the host joined within {} ms, the viewer within {} ms and saw the first frame ({}x{}) after {} ms",
        seen.host_joined_ms, seen.viewer_joined_ms, seen.width, seen.height, seen.first_frame_ms
    ));
    Ok(ExitCode::SUCCESS)
}
