//! Log lines: JSON on standard error, without values of requests.
//!
//! Lines are written by a thread of their own, so that a reader that has stopped stops no request. It
//! has a bounded queue; what finds it full is given up and counted.
//!
//! Only events of `tracing` are taken: the database driver writes
//! statements with their parameters to the older `log` interface, and no bridge to it is installed.

use std::io;

use tracing::Subscriber;
use tracing::subscriber::SetGlobalDefaultError;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

/// Lines of half a kilobyte, so 4 MB at most.
const QUEUE_LINES: usize = 8192;

/// The log of the process. Dropping it writes what waits, for a second at most.
#[must_use]
pub struct Log {
    /// How many lines were given up.
    pub dropped: ErrorCounter,
    _writer: WorkerGuard,
}

/// Logs at `levels` (like `info,edge_api=debug`), and panics by their place alone, since the message
/// of a panic may hold values.
pub fn install(levels: Targets) -> Result<Log, SetGlobalDefaultError> {
    let (lines, writer) = NonBlockingBuilder::default()
        .buffered_lines_limit(QUEUE_LINES)
        .lossy(true)
        .thread_name("log")
        .finish(io::stderr());
    let dropped = lines.error_counter();
    // Not `init()`: that would install the bridge.
    tracing::subscriber::set_global_default(subscriber(levels, lines))?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a thread panicked");
    }));
    Ok(Log {
        dropped,
        _writer: writer,
    })
}

/// Writes each event as a line of JSON.
pub fn subscriber<W>(levels: Targets, lines: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_writer(lines);
    tracing_subscriber::registry().with(levels).with(lines)
}
