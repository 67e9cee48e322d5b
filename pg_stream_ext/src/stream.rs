//! Streams: starting, changing state, ending, and the gate that orders these with joins.

pub mod gate;
pub mod host_return;
pub mod lifecycle;
pub mod start;
mod start_rate;
pub mod state;
mod viewing;
pub mod watch_time;
