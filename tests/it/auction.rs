//! Auction updates: bids and other rows of the application in the log of their stream.

mod bid_deadlocks;
mod deferred_roles;
mod demo_bids;
mod isolation;
mod triggers;
mod updates;
