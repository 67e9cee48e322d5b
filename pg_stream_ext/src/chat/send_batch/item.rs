//! Items of a batch of messages, and the answers to them.

use pgrx::datum::Uuid;
use stream_core::chat::Content;
use stream_core::error::ErrorCode;

use crate::log::message::Message;

#[derive(Clone)]
pub enum Answer {
    Stored(Box<Message>),
    Refused(ErrorCode, Option<u64>),
}

/// An item whose form is right.
pub struct Draft {
    /// Its index in the batch.
    pub index: usize,
    pub user: Uuid,
    pub content: Content,
    pub id: Option<Uuid>,
}
