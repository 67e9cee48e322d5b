//! Settings of the rates of requests.

use clap::Args;
use clap::builder::RangedU64ValueParser;

use crate::limits::LimitSettings;

#[derive(Debug, Clone, Args)]
pub struct RateSettings {
    /// Requests of one user a second, up to 1000000; twice as many at once. 0 is no limit; the service role has none.
    #[arg(
        long,
        env = "RATE_LIMIT_PER_USER",
        value_name = "COUNT",
        default_value_t = 50,
        value_parser = RangedU64ValueParser::<u32>::new().range(0..=1_000_000)
    )]
    pub rate_limit_per_user: u32,
    /// Requests of one address (of IPv6: of one /64) a second, up to 1000000; twice as many at once. 0 is no limit.
    #[arg(
        long,
        env = "RATE_LIMIT_PER_ADDRESS",
        value_name = "COUNT",
        default_value_t = 500,
        value_parser = RangedU64ValueParser::<u32>::new().range(0..=1_000_000)
    )]
    pub rate_limit_per_address: u32,
    /// Failed sign-ins of one address a minute, up to 1000000; further ones are 429. A token that has expired, or is
    /// missing, is none. 0 is no limit.
    #[arg(
        long,
        env = "RATE_LIMIT_FAILURES_PER_ADDRESS",
        value_name = "COUNT",
        default_value_t = 60,
        value_parser = RangedU64ValueParser::<u32>::new().range(0..=1_000_000)
    )]
    pub rate_limit_failures_per_address: u32,
}

impl RateSettings {
    pub fn limits(&self) -> LimitSettings {
        LimitSettings {
            user_per_s: self.rate_limit_per_user,
            address_per_s: self.rate_limit_per_address,
            failures_per_minute: self.rate_limit_failures_per_address,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        settings: RateSettings,
    }

    #[test]
    fn the_defaults_are_those_of_the_limits() {
        let alone = Alone::try_parse_from(["edge_api"]).expect("defaults");
        let limits = alone.settings.limits();
        assert_eq!(limits, LimitSettings::default());
    }
}
