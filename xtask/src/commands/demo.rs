//! `cargo x demo`: play one live auction with the real Supabase client and judge what everybody saw.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;
use xtask::node::Node;
use xtask::run::Run;
use xtask::stack::{Running, Stack};
use xtask::{client_package, console, process, workspace};

/// The stack that the command line names, if any.
#[derive(Default)]
struct NamedStack {
    supabase_url: Option<String>,
    anon_key: Option<String>,
    edge_url: Option<String>,
    app_id: Option<String>,
    /// Prints one JSON object instead of the transcript.
    as_json: bool,
}

pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    let mut named = NamedStack::default();
    while let Some(argument) = arguments.next()? {
        let value = match argument {
            Long("supabase-url") => &mut named.supabase_url,
            Long("anon-key") => &mut named.anon_key,
            Long("edge-url") => &mut named.edge_url,
            Long("app-id") => &mut named.app_id,
            Long("json") => {
                named.as_json = true;
                continue;
            }
            other => return Err(other.unexpected().into()),
        };
        *value = Some(arguments.value()?.string()?);
    }

    let node = Node::ensure()?;
    client_package::ensure_built(&node)?;
    node.install_packages(&workspace::root().join("client/scripted_demo"))?;
    if named.is_elsewhere()? {
        return play(&node, &named);
    }
    if let Some(stack) = Stack::find()? {
        stack.expect_chosen()?;
        return play(&node, &named.filled_in(&stack));
    }
    console::step("no stack is running here; starting one for the demo");
    Run::sweep()?;
    let running = Running::start(&format!("demo-{}", std::process::id()), None, None)?;
    let played = play(&node, &named.filled_in(&running.stack));
    running.cluster.stop();
    played
}

impl NamedStack {
    fn filled_in(&self, stack: &Stack) -> Self {
        Self {
            as_json: self.as_json,
            supabase_url: Some(stack.supabase_url.clone()),
            anon_key: Some(stack.anon_key.clone()),
            edge_url: Some(stack.edge_url.clone()),
            app_id: Some(stack.app_id.clone()),
        }
    }

    /// Whether a stack was named; half a name is an error.
    fn is_elsewhere(&self) -> Result<bool> {
        match (&self.supabase_url, &self.anon_key) {
            (Some(_), Some(_)) => Ok(true),
            (None, None) if self.edge_url.is_none() && self.app_id.is_none() => Ok(false),
            _ => bail!("another stack is named by --supabase-url and --anon-key together"),
        }
    }
}

fn play(node: &Node, named: &NamedStack) -> Result<ExitCode> {
    console::step("playing the demo");
    let mut demo = Command::new(&node.program);
    demo.arg("demo.mjs")
        .current_dir(workspace::root().join("client/scripted_demo"));
    let options = [
        ("--supabase-url", &named.supabase_url),
        ("--anon-key", &named.anon_key),
        ("--edge-url", &named.edge_url),
        ("--app-id", &named.app_id),
    ];
    for (option, value) in options {
        if let Some(value) = value {
            demo.args([option, value]);
        }
    }
    if named.as_json {
        demo.arg("--json");
    }
    let status = process::run_status(&mut demo)?;
    let code = status.code().context("the demo was ended by a signal")?;
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}
