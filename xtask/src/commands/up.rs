//! `cargo x up`: start the local stack and keep it until Ctrl-C, or leave it with `--detach`.

use std::net::IpAddr;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use lexopt::prelude::*;
use xtask::demo_app::DemoApp;
use xtask::local_network::LocalNetwork;
use xtask::node::Node;
use xtask::run::Run;
use xtask::stack::{Lock, NetworkUrls, Running, Stack, UP};
use xtask::{console, interrupt, log_tail};

/// The interval at which the foreground checks whether the stack still runs and whether it should.
const WATCH_INTERVAL: Duration = Duration::from_millis(100);

pub fn run(mut arguments: lexopt::Parser) -> Result<ExitCode> {
    let mut detach = false;
    // With an address, or without one: that of the route to other networks.
    let mut host: Option<Option<IpAddr>> = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("detach") => detach = true,
            Long("host") => {
                let address = arguments.optional_value();
                host = Some(address.map(|address| address.parse()).transpose()?);
            }
            other => return Err(other.unexpected().into()),
        }
    }

    // Held from here to the end: whoever cannot get it knows that a stack starts, runs or stops.
    let mut lock = Lock::open()?;
    let is_ours = lock.try_take()?;
    if let Some(stack) = Stack::find()? {
        stack.expect_chosen()?;
        if host.is_some() && stack.local_network.is_none() {
            bail!(
                "a stack without --host is running here; stop it with `cargo x down` and start again"
            );
        }
        console::step("a stack is running here already; `cargo x down` stops it");
        print(&stack);
        return Ok(ExitCode::SUCCESS);
    }
    if !is_ours {
        bail!(
            "another `cargo x up` is starting or stopping a stack here; try again when it is done"
        );
    }

    Stack::withdraw()?;
    if let Some(leftover) = Run::find(UP)? {
        console::step("taking away what an earlier stack left behind");
        leftover.stop();
    }
    Run::sweep()?;

    let network = host.map(LocalNetwork::prepare).transpose()?;
    let demo = DemoApp::ensure_built(&Node::ensure()?)?;
    let running = Running::start(UP, Some(demo), network.as_ref())?;
    running.stack.publish()?;
    print(&running.stack);
    if detach {
        console::step("ready; it runs until `cargo x down`");
        running.cluster.detach()?;
        return Ok(ExitCode::SUCCESS);
    }
    console::step("ready; Ctrl-C stops it");
    watch(running)
}

fn watch(mut running: Running) -> Result<ExitCode> {
    let dead = loop {
        if interrupt::is_requested() {
            break None;
        }
        if let Some(name) = running.cluster.run().first_dead() {
            break Some(name.to_owned());
        }
        thread::sleep(WATCH_INTERVAL);
    };

    Stack::withdraw()?;
    console::step("stopping the stack");
    let log_dir = running.stack.log_dir;
    running.cluster.stop();
    match dead {
        None => {
            console::step("stopped; nothing is left running");
            Ok(ExitCode::SUCCESS)
        }
        Some(name) => {
            let log = log_tail::read(&log_dir.join(format!("{name}.log")));
            bail!("{name} ended by itself, so the stack was stopped; {log}")
        }
    }
}

fn print(stack: &Stack) {
    let Stack {
        supabase_url,
        edge_url,
        anon_key,
        edition,
        ..
    } = stack;
    let edition = edition.as_str();
    console::answer(format_args!(
        "
  demo app   {supabase_url}/demo/     (sign in as the seller, and in another window beside it as a buyer)
  Supabase   {supabase_url}
  edge API   {edge_url}            ({edge_url}/docs for people, {edge_url}/openapi.json for programs)
  database   cargo x psql          (the {edition} edition; connection string: cargo x url database)
  anon key   {anon_key}
  logs       {logs}

  Auctions 00000000-0000-4000-8000-0000000000a1 to …a4, of the seller
    seller   seller@demo.test      password demo-password
    ada      buyer1@demo.test      password demo-password
    ben      buyer2@demo.test      password demo-password
    cleo     buyer3@demo.test      password demo-password

  Sign in, as any of them:
    curl '{supabase_url}/auth/v1/token?grant_type=password' -H 'apikey: {anon_key}' \\
      -H 'content-type: application/json' \\
      -d '{{\"email\": \"seller@demo.test\", \"password\": \"demo-password\"}}'
  Play the whole auction without a browser:
    cargo x demo
",
        logs = stack.log_dir.display(),
    ));
    if let Some(NetworkUrls { plain, tls }) = &stack.local_network {
        let app_id = if stack.has_agora_project {
            format!("EXPO_PUBLIC_AGORA_APP_ID={}", stack.app_id)
        } else {
            "(its video needs a project: start with AGORA_APP_ID and AGORA_APP_CERTIFICATE)"
                .to_owned()
        };
        console::answer(format_args!(
            "\
  Phones of this network, while --host is given (docs/local-stack.md)
    to watch, or to sell with the drawn picture    {plain}/demo/
    to sell with the camera, in a browser          {tls}/demo/
    the authority to trust for it                  {plain}/_local/authority.pem
    the Expo example                               EXPO_PUBLIC_SUPABASE_URL={plain} EXPO_PUBLIC_SUPABASE_ANON_KEY={anon_key} {app_id}
"
        ));
    }
}
