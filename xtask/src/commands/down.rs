//! `cargo x down`: stop the running stack, whoever started it.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rustix::process::Signal;
use xtask::process::POLL_INTERVAL;
use xtask::run::Run;
use xtask::stack::{Lock, Stack, UP};
use xtask::{console, interrupt};

const PATIENCE: Duration = Duration::from_secs(60);

pub fn run(arguments: lexopt::Parser) -> Result<ExitCode> {
    super::expect_end(arguments)?;
    let mut lock = Lock::open()?;
    let stopped_by_holder = ask_holder_to_stop(&mut lock)?;
    Stack::withdraw()?;
    match Run::find(UP)? {
        Some(run) => {
            console::step("stopping the stack");
            run.stop();
            console::step("stopped; nothing is left running");
        }
        None if stopped_by_holder => console::step("stopped; nothing is left running"),
        None => console::step("no stack is running here"),
    }
    Run::sweep()?;
    Ok(ExitCode::SUCCESS)
}

/// A stack in the foreground is taken down by the command that holds it. Returns with the lock;
/// whether there was another holder.
fn ask_holder_to_stop(lock: &mut Lock) -> Result<bool> {
    if lock.try_take()? {
        return Ok(false);
    }
    console::step("asking the `cargo x up` that holds the stack to stop");
    let deadline = Instant::now() + PATIENCE;
    let mut asked = None;
    while !lock.try_take()? {
        interrupt::check()?;
        // A holder writes its name a moment after it has taken the lock.
        if let Some(holder) = lock.holder()
            && asked.as_ref() != Some(&holder)
        {
            holder.signal(Signal::TERM);
            asked = Some(holder);
        }
        if Instant::now() >= deadline {
            bail!("the running `cargo x up` did not stop within {PATIENCE:?}");
        }
        thread::sleep(POLL_INTERVAL);
    }
    Ok(true)
}
