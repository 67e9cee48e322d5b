//! Synchronisation by message id: the messages after one that the client holds.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::chat::sync::{MAX_MISSED, NEWEST_PAGE};
use crate::log::message::{Message, message_columns};
use crate::postgres::caller;
use crate::postgres::error::{Result, answer, required};
use crate::postgres::jsonb_text::JsonbText;
use crate::postgres::spi::{self, column, nullable, statements};

statements! {
    SINCE: Read [UUIDOID, UUIDOID, UUIDOID, INT4OID, INT4OID]
        concat!(
            "with bounds as (
                 select s.id,
                     stream_private.can_view($2, s.id, s.seller_id) as can_view,
                     case when $3 is null then greatest(h.last_seq - $5, 0)
                          else (select k.seq from stream.chat_messages as k
                                where k.session_id = $1 and k.id = $3) end as above
                 from stream.stream_sessions as s
                 join stream.chat_heads as h on h.session_id = s.id
                 where s.id = $1
             )
             select b.can_view, b.above, ", message_columns!(), "
             from bounds as b
             left join stream.chat_messages as m
                 on b.can_view and m.session_id = b.id
                 and m.seq > b.above and m.seq <= b.above + $4
             order by m.seq"
        );
}

#[pg_extern(stable)]
#[expect(
    clippy::type_complexity,
    reason = "pgrx reads the column names from the literal type"
)]
fn sync_messages(
    session_id: Option<Uuid>,
    last_message_id: Option<Uuid>,
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
    let messages = answer(since(session_id, last_message_id));
    TableIterator::new(messages.into_iter().map(Message::into_row))
}

fn since(session_id: Option<Uuid>, last_message_id: Option<Uuid>) -> Result<Vec<Message>> {
    let caller = caller::enter()?;
    let session = required(session_id, "session_id")?;
    let arguments = [
        session.into(),
        caller.user_id().into(),
        last_message_id.into(),
        MAX_MISSED.into(),
        NEWEST_PAGE.into(),
    ];
    spi::run(&SINCE, &arguments, |rows| {
        if rows.is_empty() {
            return Err(ErrorCode::SessionNotFound.into());
        }
        let mut messages = Vec::with_capacity(rows.len());
        for row in rows {
            if !column::<bool>(&row, 1)? {
                return Err(ErrorCode::CannotView.into());
            }
            if nullable::<i64>(&row, 2)?.is_none() {
                return Err(ErrorCode::MessageNotFound.into());
            }
            if nullable::<Uuid>(&row, 3)?.is_some() {
                messages.push(Message::read_after(&row, 2)?);
            }
        }
        Ok(messages)
    })
}
