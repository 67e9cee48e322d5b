//! What is written to and deleted from `realtime.messages`.

pub mod broadcast;
pub mod stored_frames;
pub mod table_lock;
