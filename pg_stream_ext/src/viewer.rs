//! Viewers of a stream: joining, leaving, lists and numbers.

pub mod joining;
pub mod listing;
