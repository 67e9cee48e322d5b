//! The history of a chat, read page by page.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::limits;
use crate::log::message::{Message, message_columns};
use crate::postgres::caller;
use crate::postgres::error::{Failure, Result, answer, required};
use crate::postgres::jsonb_text::JsonbText;
use crate::postgres::spi::{self, column, nullable, statements};

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
