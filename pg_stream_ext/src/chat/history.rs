//! Reading the log page by page.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use pgrx::spi::SpiHeapTupleData;
use serde_json::value::RawValue;
use stream_core::error::ErrorCode;

use crate::limits;
use crate::log::entry::Entry;
use crate::postgres::caller;
use crate::postgres::composite::{self, Composite};
use crate::postgres::error::{Failure, Result, answer, required};
use crate::postgres::json_text;
use crate::postgres::jsonb_text::JsonbText;
use crate::postgres::keyed::Table;
use crate::postgres::spi::{self, column, nullable, statements};

/// The columns of a message `m`, in the order of `Message::read`.
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

statements! {
    /// Dense numbers turn an offset into a range: no page costs more than its own rows.
    PAGE: Read [UUIDOID, UUIDOID, INT4OID, INT4OID, INT8OID, INT8OID]
        concat!(
            "with session as (
                 select s.id, h.last_seq,
                     stream_private.can_view($2, s.id, s.seller_id) as can_view
                 from stream.stream_sessions as s
                 join stream.chat_heads as h on h.session_id = s.id
                 where s.id = $1
             ), bounds as (
                 select id,
                     case when $6 is not null then $6 + $4
                          else least(coalesce($5 - 1, last_seq), last_seq) - $4 - $3 end as above,
                     case when $6 is not null then $6 + $4 + $3
                          else least(coalesce($5 - 1, last_seq), last_seq) - $4 end as upto
                 from session
                 where can_view
             )
             select session.can_view, ", message_columns!(), "
             from session
             left join bounds on true
             left join stream.chat_messages as m
                 on m.session_id = bounds.id and m.seq > bounds.above and m.seq <= bounds.upto
             order by m.seq"
        );
}

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

/// The same as a row of the native functions.
pub type MessageRow = (
    Uuid,
    Uuid,
    i64,
    Option<Uuid>,
    Option<String>,
    String,
    String,
    TimestampWithTimeZone,
    TimestampWithTimeZone,
    JsonbText,
    Option<TimestampWithTimeZone>,
);

impl Message {
    pub fn read(row: &SpiHeapTupleData<'_>) -> Result<Self> {
        Self::read_after(row, 0)
    }

    /// The message with this id. No statement finds it: planned while the log is short it would read
    /// the log from its beginning, and still do so when it is long.
    pub fn find(session: Uuid, id: Uuid) -> Result<Option<Self>> {
        BY_ID.find(&[session, id], |row| {
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

    /// The message whose columns start behind the first `skip`.
    pub fn read_after(row: &SpiHeapTupleData<'_>, skip: usize) -> Result<Self> {
        Ok(Self {
            id: column(row, skip + 1)?,
            session_id: column(row, skip + 2)?,
            seq: column(row, skip + 3)?,
            user_id: nullable(row, skip + 4)?,
            username: nullable(row, skip + 5)?,
            content: column(row, skip + 6)?,
            message_type: column(row, skip + 7)?,
            created_at: column(row, skip + 8)?,
            updated_at: column(row, skip + 9)?,
            metadata: column(row, skip + 10)?,
            deleted_at: nullable(row, skip + 11)?,
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

    /// As frames and `sync` carry it. Written here for the hot path: Postgres takes longer for its
    /// JSON than for the row (measured with callgrind).
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

    /// As `stream.chat_message`.
    pub fn into_composite(self) -> Result<Composite> {
        composite::form(
            c"chat_message",
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

    pub fn into_row(self) -> MessageRow {
        (
            self.id,
            self.session_id,
            self.seq,
            self.user_id,
            self.username,
            self.content,
            self.message_type,
            self.created_at,
            self.updated_at,
            self.metadata,
            self.deleted_at,
        )
    }
}

#[pg_extern(stable)]
#[expect(
    clippy::type_complexity,
    reason = "pgrx reads the column names from the literal type"
)]
fn get_message_history(
    session_id: Option<Uuid>,
    page_size: Option<i32>,
    skip: Option<i32>,
    before_seq: Option<i64>,
    after_seq: Option<i64>,
) -> TableIterator<
    'static,
    (
        name!(id, Uuid),
        name!(session_id, Uuid),
        name!(seq, i64),
        name!(user_id, Option<Uuid>),
        name!(username, Option<String>),
        name!(content, String),
        name!(message_type, String),
        name!(created_at, TimestampWithTimeZone),
        name!(updated_at, TimestampWithTimeZone),
        name!(metadata, JsonbText),
        name!(deleted_at, Option<TimestampWithTimeZone>),
    ),
> {
    let page = answer(page(session_id, page_size, skip, before_seq, after_seq));
    TableIterator::new(page.into_iter().map(Message::into_row))
}

fn page(
    session_id: Option<Uuid>,
    page_size: Option<i32>,
    skip: Option<i32>,
    before_seq: Option<i64>,
    after_seq: Option<i64>,
) -> Result<Vec<Message>> {
    let caller = caller::enter()?;
    let session = required(session_id, "session_id")?;
    let page_size = limits::page_size(page_size)?;
    let skip = required(skip, "skip")?;
    let refuse = |hint: String| Err(Failure::with_hint(ErrorCode::InvalidArgument, hint));
    if skip < 0 {
        return refuse("skip is 0 or more".to_owned());
    }
    if before_seq.is_some() && after_seq.is_some() {
        return refuse("before_seq or after_seq, not both".to_owned());
    }
    if before_seq
        .or(after_seq)
        .is_some_and(|seq| !(0..=i64::MAX / 2).contains(&seq))
    {
        return refuse("before_seq and after_seq are numbers of the log".to_owned());
    }
    let arguments = [
        session.into(),
        caller.user_id().into(),
        page_size.into(),
        skip.into(),
        before_seq.into(),
        after_seq.into(),
    ];
    spi::run(&PAGE, &arguments, |rows| {
        if rows.is_empty() {
            return Err(ErrorCode::SessionNotFound.into());
        }
        let mut page = Vec::with_capacity(rows.len());
        for row in rows {
            if !column::<bool>(&row, 1)? {
                return Err(ErrorCode::CannotView.into());
            }
            if nullable::<Uuid>(&row, 2)?.is_some() {
                page.push(Message::read_after(&row, 1)?);
            }
        }
        Ok(page)
    })
}
