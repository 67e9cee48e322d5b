//! The message that a moderator acts on, found by its id.

use pgrx::datum::Uuid;
use stream_core::error::ErrorCode;

use crate::moderation::decision::invalid;
use crate::postgres::column::columns;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};

statements! {
    BY_ID: Write [UUIDOID, UUIDOID] -> ModeratedMessage,
        "select m.seq, m.user_id as author,
             m.message_type = 'user_message' as is_of_a_user, m.deleted_at is not null as is_deleted
         from stream.chat_messages as m where m.session_id = $1 and m.id = $2";
}

columns! {
    /// The columns of a message that moderation needs.
    pub struct ModeratedMessage {
        pub seq: i64,
        /// Null when the user was deleted.
        pub author: Option<Uuid>,
        pub is_deleted: bool,
        is_of_a_user: bool,
    }
}

impl ModeratedMessage {
    pub fn find(session: Uuid, id: Uuid) -> Result<Option<Self>> {
        spi::first(&BY_ID, &[session.into(), id.into()])
    }

    /// Refuses system messages and auction updates, which belong to the stream.
    pub fn require_user_message(&self) -> Result<()> {
        if self.is_of_a_user {
            Ok(())
        } else {
            Err(invalid("only messages of users can be moderated"))
        }
    }
}

pub fn not_found() -> crate::postgres::error::Failure {
    ErrorCode::MessageNotFound.into()
}
