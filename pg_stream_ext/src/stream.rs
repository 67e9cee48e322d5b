//! Streams: starting, moving between states, ending, and the locks that order these.

pub mod gate;
pub mod host_return;
pub mod lifecycle;
pub mod start;
pub mod state;
pub mod watch_time;
