//! Upgrades: a database that an earlier release made becomes what a new installation is, with its rows.

pub mod dump;
mod extension;
mod migrations;
mod previous_release;
