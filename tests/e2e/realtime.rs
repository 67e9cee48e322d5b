//! Private channels and Broadcast Replay, with the real client.

mod channels;
mod replay;
