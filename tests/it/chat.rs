//! The chat: sending, order, limits, history and recovery after a gap.

mod batches;
mod content;
mod crash;
mod deadlocks;
mod history;
mod interleavings;
mod log_entries;
mod order;
mod properties;
mod rate_limits;
mod read_marks;
mod reading_plans;
mod retries;
mod rules;
mod senders;
mod sending_plans;
mod subscriptions;
mod sync;
mod sync_caller;
mod sync_messages;
mod sync_version;
