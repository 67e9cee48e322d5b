//! Somebody holds rows or locks: nobody else waits.

mod batches;
mod heartbeat_batches;
mod heartbeats;
mod held_gate;
mod host_returns;
mod locks;
mod reactions;
mod unsent_frames;
