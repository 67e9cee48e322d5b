//! Viewers: joining, leases, heartbeats, counts and watch time.

mod heartbeat_batches;
mod heartbeat_crash;
mod heartbeat_table_growth;
mod heartbeats;
mod join_stream;
mod leases;
mod list;
mod viewer_count;
mod watch_time;
