//! The log of a session: its sequence numbers, its frames, and the queue of what no frame carries yet.

pub mod auction;
pub mod entry;
pub mod epoch;
pub mod relay;
pub mod relay_queue;
