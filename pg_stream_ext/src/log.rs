//! The log of a session: its sequence numbers, its frames, and the queue of sessions with unsent entries.

pub mod auction;
pub mod due_tails;
pub mod entry;
pub mod epoch;
pub mod flush;
pub mod flush_without_ticker;
pub mod message;
pub mod relay;
pub mod relay_queue;
pub mod relay_row;
pub mod system_message;
pub mod ticker_liveness;
