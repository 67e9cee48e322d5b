//! Streams: start, takeover, moves, host liveness, end, finding and summary.

mod after_end;
mod changes_beside_joins;
mod finding;
mod finding_plans;
mod host_liveness;
mod large_summary;
mod lifecycle;
mod properties;
mod start_and_takeover;
mod start_deadlocks;
mod summary;
