//! Settings of the regular work.

use std::time::Duration;

use clap::Args;

#[derive(Debug, Clone, Args)]
pub struct TickerSettings {
    /// Call stream.tick() this often, 50 to 60000, where no background worker of the database does;
    /// 0 is never.
    #[arg(
        long,
        env = "TICK_INTERVAL_MS",
        value_name = "MS",
        default_value = "0",
        value_parser = TickInterval::parse
    )]
    pub tick_interval_ms: TickInterval,
}

/// The pause between two ticks; none: somebody else ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TickInterval(pub Option<Duration>);

impl TickInterval {
    /// From what the background worker does to what pg_cron does at its slowest.
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text.parse() {
            Ok(0) => Ok(Self(None)),
            Ok(interval_ms @ 50..=60_000) => Ok(Self(Some(Duration::from_millis(interval_ms)))),
            _ => Err("is neither 0 nor a number from 50 to 60000"),
        }
    }
}
