//! Log lines: JSON on standard error, without values of requests.
//!
//! Only events of `tracing` are taken: the database driver writes
//! statements with their parameters to the older `log` interface, and no bridge to it is installed.

use std::io;

use tracing::subscriber::SetGlobalDefaultError;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

/// Logs at `levels` (like `info,edge_api=debug`), and panics by their place alone, since the message
/// of a panic may hold values.
pub fn install(levels: Targets) -> Result<(), SetGlobalDefaultError> {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_writer(io::stderr);
    // Not `init()`: that would install the bridge.
    tracing::subscriber::set_global_default(
        tracing_subscriber::registry().with(levels).with(lines),
    )?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a thread panicked");
    }));
    Ok(())
}
