//! The settings of all parts together, as one command line.

use clap::Parser;

use super::auth::AuthSettings;
use super::browsers::BrowserSettings;
use super::canary::CanarySettings;
use super::connections::ConnectionSettings;
use super::database::DatabaseSettings;
use super::observation::ObservationSettings;
use super::polling::PollingSettings;
use super::rates::RateSettings;
use super::server::ServerSettings;
use super::supabase::SupabaseSettings;
use super::ticker::TickerSettings;
use crate::limits::Limits;

/// HTTP service of live-auction streams.
#[derive(Debug, Clone, Parser)]
#[command(name = "edge_api", version)]
pub struct Settings {
    #[command(flatten, next_help_heading = "Listening")]
    pub server: ServerSettings,
    #[command(flatten, next_help_heading = "Connections of clients")]
    pub connections: ConnectionSettings,
    #[command(flatten, next_help_heading = "Rates of requests")]
    pub rates: RateSettings,
    #[command(flatten, next_help_heading = "Database")]
    pub database: DatabaseSettings,
    #[command(flatten, next_help_heading = "Supabase")]
    pub supabase: SupabaseSettings,
    #[command(flatten, next_help_heading = "Access tokens")]
    pub auth: AuthSettings,
    #[command(flatten, next_help_heading = "Browsers")]
    pub browsers: BrowserSettings,
    #[command(flatten, next_help_heading = "Polling")]
    pub polling: PollingSettings,
    #[command(flatten, next_help_heading = "Regular work")]
    pub ticker: TickerSettings,
    #[command(flatten, next_help_heading = "Delivery canary")]
    pub canary: CanarySettings,
    #[command(flatten, next_help_heading = "Log and metrics")]
    pub observation: ObservationSettings,

    /// Read and check all settings, say what is wrong with them, and end.
    #[arg(long, help_heading = "Instead of serving")]
    pub(super) check: bool,
    /// Print all settings, without secrets, and where each comes from, and end.
    #[arg(long, help_heading = "Instead of serving")]
    pub(super) print_config: bool,
}

impl Settings {
    /// The limits of rates.
    pub fn limits(&self) -> Limits {
        Limits::new(&self.rates.limits())
    }
}
