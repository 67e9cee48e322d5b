//! Supabase Realtime: writing broadcasts to `realtime.messages`, noting what they cost, and deleting stored frames.

pub mod broadcast;
mod late_events;
pub mod sends;
pub mod stored_frames;
pub mod table_lock;
