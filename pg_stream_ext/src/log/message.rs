//! Messages of a log: reading rows, and writing them as JSON and as composites.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use serde_json::value::RawValue;

use crate::log::entry::Entry;
use crate::postgres::caller::Admitted;
use crate::postgres::catalogue::KnownRelation;
use crate::postgres::column::columns;
use crate::postgres::composite::{self, Composite};
use crate::postgres::error::{Failure, Result};
use crate::postgres::json_text;
use crate::postgres::jsonb_text::JsonbText;
use crate::postgres::keyed::Table;

static CHAT_MESSAGE: KnownRelation = KnownRelation::new(c"chat_message");

/// The columns of message `m` that a [`Message`] is read from.
macro_rules! message_columns {
    () => {
        "m.id, m.session_id, m.seq, m.user_id, m.username, m.content, m.message_type,
         m.created_at, m.updated_at, m.metadata, m.deleted_at"
    };
}
pub(crate) use message_columns;

/// A message `m` as frames and `sync` carry it; [`Message::json`] writes the same.
macro_rules! message_json {
    () => {
        "json_build_object(
             'id', m.id, 'seq', m.seq, 'user_id', m.user_id, 'username', m.username,
             'content', m.content, 'message_type', m.message_type, 'created_at', m.created_at,
             'metadata', m.metadata, 'deleted_at', m.deleted_at)"
    };
}
pub(crate) use message_json;

static BY_ID: Table = Table::by_index(c"chat_messages", c"chat_messages_session_id_id_key");

columns! {
    #[derive(Clone)]
    pub struct Message {
        pub id: Uuid,
        pub session_id: Uuid,
        pub seq: i64,
        pub user_id: Option<Uuid>,
        pub username: Option<String>,
        pub content: String,
        message_type: String,
        pub created_at: TimestampWithTimeZone,
        updated_at: TimestampWithTimeZone,
        metadata: JsonbText,
        deleted_at: Option<TimestampWithTimeZone>,
    }
}

impl Message {
    /// Finds the message with this id by key. A statement that was planned while the log was short would read the
    /// log from its beginning, and still do so when it is long.
    pub fn find(admitted: Admitted, session: Uuid, id: Uuid) -> Result<Option<Self>> {
        BY_ID.find(admitted, &[session, id], |row| {
            Ok(Some(Self {
                id,
                session_id: session,
                seq: row.column(c"seq")?,
                user_id: row.nullable(c"user_id")?,
                username: row.nullable(c"username")?,
                content: row.column(c"content")?,
                message_type: row.column(c"message_type")?,
                created_at: row.column(c"created_at")?,
                updated_at: row.column(c"updated_at")?,
                metadata: row.column(c"metadata")?,
                deleted_at: row.nullable(c"deleted_at")?,
            }))
        })
    }

    /// A message that its sender writes now.
    pub fn written(
        id: Uuid,
        session_id: Uuid,
        user_id: Uuid,
        username: Option<String>,
        content: &str,
        entry: &Entry,
    ) -> Self {
        Self {
            id,
            session_id,
            seq: entry.seq,
            user_id: Some(user_id),
            username,
            content: content.to_owned(),
            message_type: "user_message".to_owned(),
            created_at: entry.created_at,
            updated_at: entry.created_at,
            metadata: JsonbText::empty_object(),
            deleted_at: None,
        }
    }

    /// The JSON that frames and `sync` carry. Written in Rust for the hot path: Postgres takes longer for the JSON
    /// than for the row (measured with callgrind).
    pub fn json(&self) -> Result<String> {
        #[derive(serde::Serialize)]
        struct Json<'a> {
            id: String,
            seq: i64,
            user_id: Option<String>,
            username: Option<&'a str>,
            content: &'a str,
            message_type: &'a str,
            created_at: String,
            metadata: &'a RawValue,
            deleted_at: Option<String>,
        }
        serde_json::to_string(&Json {
            id: json_text::uuid(self.id),
            seq: self.seq,
            user_id: self.user_id.map(json_text::uuid),
            username: self.username.as_deref(),
            content: &self.content,
            message_type: &self.message_type,
            created_at: json_text::time(self.created_at),
            metadata: self.metadata.raw()?,
            deleted_at: self.deleted_at.map(json_text::time),
        })
        .map_err(|_| Failure::Row("a message is no JSON"))
    }

    /// The message as a `stream.chat_message`.
    pub fn into_composite(self) -> Result<Composite> {
        composite::form(
            &CHAT_MESSAGE,
            [
                self.id.into(),
                self.session_id.into(),
                self.seq.into(),
                self.user_id.into(),
                self.username.into(),
                self.content.into(),
                self.message_type.into(),
                self.created_at.into(),
                self.updated_at.into(),
                self.metadata.into(),
                self.deleted_at.into(),
            ],
        )
    }
}
