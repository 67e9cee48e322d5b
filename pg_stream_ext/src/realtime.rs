//! Supabase Realtime: writing broadcasts to `realtime.messages`, and deleting stored frames from it.

pub mod broadcast;
pub mod stored_frames;
pub mod table_lock;
