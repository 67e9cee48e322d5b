//! What is written to and deleted from `realtime.messages`.

pub mod broadcast;
pub mod reach;
pub mod stored_frames;
