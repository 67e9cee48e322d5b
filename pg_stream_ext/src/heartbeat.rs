//! Heartbeats of viewers and of the host.

pub mod batch;
pub mod host;
pub mod lease;
pub mod reply;
pub mod request;
pub mod single;
pub mod summary;
pub mod written;
