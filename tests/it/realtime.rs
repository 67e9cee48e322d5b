//! Rows of `realtime.messages`: broadcasts, frames, flushes, partitions and policies, and what they cost.

mod broadcasts;
mod canary;
mod flush_by_heartbeat;
mod flush_by_tick;
mod flush_of_prepared_transactions;
mod flush_queue;
mod frame_completeness;
mod frame_windows;
mod frames;
mod governor;
mod governor_auctions;
mod governor_plans;
mod governor_reactions;
mod late_events;
mod partitions;
mod policies;
mod poll_ms;
mod spending;
mod unusual_table;
