//! Settings for readers who poll instead of listening to Realtime.

use std::time::Duration;

use clap::Args;

#[derive(Debug, Clone, Args)]
pub struct PollingSettings {
    /// How long readers who poll sync wait between two requests, 500 to 60000; every answer tells
    /// them.
    #[arg(
        long,
        env = "SYNC_POLL_INTERVAL_MS",
        value_name = "MS",
        default_value = "5000",
        value_parser = PollInterval::parse
    )]
    pub sync_poll_interval_ms: PollInterval,
}

/// The pause between two requests of one reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollInterval(pub Duration);

impl PollInterval {
    /// Below, polling costs more than Realtime; above, a viewer believes that the stream stands still.
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text.parse() {
            Ok(interval_ms @ 500..=60_000) => Ok(Self(Duration::from_millis(interval_ms))),
            _ => Err("is not a number from 500 to 60000"),
        }
    }
}
