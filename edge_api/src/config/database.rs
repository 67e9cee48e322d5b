//! Settings of the connections to the database.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};

use crate::upstream::sql::Pooler;

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

    /// Certificates in PEM of the authority that signed the database's; `sslrootcert` of the connection
    /// string counts before. Without an `sslmode` there, the mode is verify-full then.
    #[arg(long, env = "DATABASE_CA_FILE", value_name = "FILE")]
    pub database_ca_file: Option<PathBuf>,

    /// Whether a pooler gives each transaction another connection, as pgbouncer does in transaction
    /// mode and Supavisor on port 6543. No statement stays prepared then, which costs throughput.
    #[arg(
        long,
        env = "DATABASE_POOLER",
        value_name = "MODE",
        default_value = "none"
    )]
    pub database_pooler: PoolerMode,
}

/// What stands in front of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PoolerMode {
    None,
    Transaction,
}

impl From<PoolerMode> for Pooler {
    fn from(mode: PoolerMode) -> Self {
        match mode {
            PoolerMode::None => Self::None,
            PoolerMode::Transaction => Self::Transaction,
        }
    }
}
