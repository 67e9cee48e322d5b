//! Settings of log lines and metrics.

use clap::Args;
use tracing_subscriber::filter::Targets;

#[derive(Debug, Clone, Args)]
pub struct ObservationSettings {
    /// Levels of log lines, like info or info,edge_api=debug.
    #[arg(
        long,
        env = "LOG",
        value_name = "LEVELS",
        default_value = "info",
        value_parser = levels
    )]
    pub log: Targets,
}

fn levels(text: &str) -> Result<Targets, &'static str> {
    text.parse()
        .map_err(|_| "is not a list of levels like info,edge_api=debug")
}
