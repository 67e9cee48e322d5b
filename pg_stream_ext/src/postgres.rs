//! The mechanism on top of Postgres: callers, errors, rows by key, kept statements, composites and transactions.

pub mod application_rows;
pub mod caller;
pub mod catalogue;
pub mod column;
pub mod commit;
pub mod composite;
pub mod error;
pub mod error_replacement;
pub mod foreign_errors;
pub mod guc;
pub mod json_text;
pub mod jsonb_text;
pub mod keyed;
pub mod relcache;
pub mod server_log;
pub mod setting;
pub mod spi;
pub mod sqlstate;
pub mod transaction;
pub mod utc;
pub mod wait_budget;
