//! Settings of log lines and metrics.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use tracing_subscriber::filter::Targets;

use super::server::address;
use crate::layers::AccessLog;

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
    /// Log each request that takes as long as this.
    #[arg(
        long,
        env = "LOG_SLOW_REQUEST_MS",
        value_name = "MS",
        default_value_t = 1000
    )]
    pub log_slow_request_ms: u64,
    /// Log one of so many requests that were neither refused nor slow; 1 logs all, 0 none.
    #[arg(
        long,
        env = "LOG_ONE_REQUEST_IN",
        value_name = "COUNT",
        default_value_t = 100
    )]
    pub log_one_request_in: u32,
    /// Where to answer GET /metrics to anybody: an address that only those who run the service can
    /// reach; none by default. Where clients call, it is for the service role alone.
    #[arg(
        long,
        env = "METRICS_LISTEN",
        value_name = "ADDRESS",
        value_parser = address
    )]
    pub metrics_listen: Option<SocketAddr>,
}

impl ObservationSettings {
    pub fn access_log(&self) -> AccessLog {
        AccessLog {
            slow: Duration::from_millis(self.log_slow_request_ms),
            one_in: self.log_one_request_in,
        }
    }
}

fn levels(text: &str) -> Result<Targets, &'static str> {
    text.parse()
        .map_err(|_| "is not a list of levels like info,edge_api=debug")
}
