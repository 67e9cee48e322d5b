//! Moderation of chats: decisions, restrictions, deletion, terms, and the log of them.

pub mod active_restrictions;
pub mod charge;
pub mod chat_rules;
pub mod decision;
pub mod deletion;
pub mod erasure;
pub mod listing;
pub mod message;
pub mod moderator_lock;
pub mod pin;
pub mod reports;
pub mod restriction;
pub mod rights;
pub mod term;
