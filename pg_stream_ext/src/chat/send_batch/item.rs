//! Items of a batch of messages, and the answers to them.

use pgrx::datum::Uuid;
use stream_core::chat::Content;
use stream_core::error::ErrorCode;

use crate::batch::ItemClaims;
use crate::log::message::Message;
use crate::postgres::caller::Caller;
use crate::postgres::error::{Failure, Result};

/// One message of a batch, as it comes.
#[derive(serde::Deserialize)]
pub struct Item {
    session_id: Option<uuid::Uuid>,
    user_id: Option<uuid::Uuid>,
    content: Option<String>,
    id: Option<uuid::Uuid>,
    #[serde(default)]
    claims: ItemClaims,
}

#[derive(Clone)]
pub enum Answer {
    Stored(Box<Message>),
    Refused(ErrorCode, Option<u64>),
}

/// An item whose form is right.
pub struct Draft {
    /// Its index in the batch.
    pub index: usize,
    pub session: Uuid,
    /// Who sends it, and with which claims.
    pub caller: Caller,
    pub claims: ItemClaims,
    pub user: Uuid,
    pub content: Content,
    pub id: Option<Uuid>,
}

impl Draft {
    /// Judges the form as a single call does, in the same order.
    pub fn read(index: usize, item: Option<Item>, service: Caller) -> Result<Self> {
        let item = item.ok_or(ErrorCode::InvalidArgument)?;
        let postgres_uuid = |id: uuid::Uuid| Uuid::from_bytes(*id.as_bytes());
        let caller = service.of_item(item.claims.as_json())?;
        let user = caller.resolve_user(item.user_id.map(postgres_uuid))?;
        let session = item.session_id.ok_or(ErrorCode::InvalidArgument)?;
        let content = item.content.ok_or(ErrorCode::InvalidArgument)?;
        Ok(Self {
            index,
            session: postgres_uuid(session),
            caller,
            claims: item.claims,
            user,
            content: Content::parse(&content)?,
            id: item.id.map(postgres_uuid),
        })
    }
}

/// The answer to a refused item; other failures are none.
pub fn refused(failure: Failure) -> Result<Answer> {
    match failure {
        Failure::Refused {
            code,
            retry_after_ms,
            ..
        } if code != ErrorCode::Internal => Ok(Answer::Refused(code, retry_after_ms)),
        failure => Err(failure),
    }
}
