//! The chat of a stream: sending, history, synchronisation, read marks and subscriptions.

pub mod cooldown;
pub mod history;
pub mod read_marks;
mod recoveries;
pub mod send;
pub mod send_batch;
pub mod sender;
pub mod settings;
pub mod subscriptions;
pub mod sync;
pub mod sync_messages;
pub mod viewer_row;
