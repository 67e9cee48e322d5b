//! Building, running and testing pg_stream on one machine.
//!
//! The binary `xtask` (`cargo x`) is the command line; this library is what it and the tests share:
//! throw-away clusters, the services, and the certainty that nothing outlives its run.

pub mod agora_verification;
pub mod browser_tests;
pub mod bundle;
pub mod cargo_deny;
pub mod client_package;
pub mod cluster;
pub mod console;
pub mod cost;
pub mod database;
pub mod demo_app;
pub mod edition;
pub mod expo_example;
pub mod extension;
pub mod extension_sql;
pub mod extension_upgrade;
pub mod fixtures;
pub mod generate;
mod hex;
pub mod interrupt;
pub mod leaks;
pub mod local_dir;
pub mod local_network;
pub mod log_tail;
pub mod measurement;
pub mod node;
pub mod packages;
pub mod pgbouncer;
pub mod postgres;
pub mod privilege;
pub mod process;
pub mod product_sql;
pub mod promtool;
pub mod psql;
pub mod python_packages;
pub mod run;
pub mod secrets;
pub mod server_user;
pub mod services;
pub mod stack;
pub mod statements;
pub mod test_environment;
pub mod wheel;
pub mod workspace;
