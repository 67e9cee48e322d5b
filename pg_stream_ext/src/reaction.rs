//! Reactions to a stream: accepting them, counting them, and broadcasting their totals.

mod counts;
pub mod send;
mod settings;
pub mod totals;
