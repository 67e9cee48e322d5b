//! The flag that SIGINT and SIGTERM raise, at which a command stops in order.
//!
//! The signals only raise a flag; whoever waits looks at it, and the ordinary way out takes
//! everything down. Further signals change nothing, so a second Ctrl-C cannot cut the clean-up short.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// The error of everything that stopped early because of a signal.
#[derive(Debug)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// From here on SIGINT, SIGTERM and SIGHUP raise the flag instead of ending the process.
pub fn listen() -> std::io::Result<()> {
    let flag = Arc::clone(flag());
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(())
}

/// Whether a signal has come.
pub fn is_requested() -> bool {
    flag().load(Ordering::Relaxed)
}

/// Fails with [`Interrupted`] once a signal has come; called between steps and while waiting.
pub fn check() -> Result<(), Interrupted> {
    if is_requested() {
        Err(Interrupted)
    } else {
        Ok(())
    }
}

fn flag() -> &'static Arc<AtomicBool> {
    FLAG.get_or_init(Arc::default)
}
