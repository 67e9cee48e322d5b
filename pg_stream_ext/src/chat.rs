//! The chat: sending, history, synchronisation, read marks, subscriptions.

pub mod cooldown;
pub mod history;
pub mod read_marks;
pub mod send;
pub mod send_batch;
pub mod sender;
pub mod settings;
pub mod subscriptions;
pub mod sync;
pub mod sync_messages;
pub mod viewer_row;
