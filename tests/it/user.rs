//! Users: forgetting, exporting and deleting them.

mod deletion;
mod deletion_races;
mod erasure;
mod erasure_plans;
mod parallel_plans;
