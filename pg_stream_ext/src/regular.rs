//! The regular work: ticks, their units and rounds, the sweep, and the background worker.

pub mod canary;
pub mod figures;
pub mod governor;
pub mod reactions;
pub mod sweep;
pub mod ticker;
pub mod unit;
pub mod unsent_entries;
pub mod viewer_counts;
pub mod worker;
