//! Channels over the real client, and the stand-in's Realtime frame by frame.

mod broadcasts;
mod canary;
mod channels;
mod connections;
mod convergence;
mod faults;
mod joins;
mod quota;
mod replay;
mod tokens;
