//! Settings of the connections to the database.

use clap::Args;
use clap::builder::RangedU64ValueParser;

#[derive(Debug, Clone, Args)]
pub struct DatabaseSettings {
    /// Connections to the database, 1 to 1000. The default is that of PostgREST's `db-pool`, since
    /// both share one database.
    #[arg(
        long,
        env = "DATABASE_POOL_SIZE",
        value_name = "COUNT",
        default_value_t = 10,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000)
    )]
    pub database_pool_size: usize,
}
