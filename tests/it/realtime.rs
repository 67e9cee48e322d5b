//! Rows of `realtime.messages`: broadcasts, frames, flushes, partitions and policies.

mod broadcasts;
mod flush_by_heartbeat;
mod flush_by_tick;
mod flush_of_prepared_transactions;
mod flush_queue;
mod frame_completeness;
mod frames;
mod partitions;
mod policies;
mod unusual_table;
