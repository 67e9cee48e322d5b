//! The history of a chat, read page by page.

use pgrx::AnyElement;
use pgrx::datum::Uuid;
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::limits;
use crate::log::message::{Message, message_columns};
use crate::postgres::caller;
use crate::postgres::column::{LeftJoined, columns};
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::postgres::spi::{self, statements};

statements! {
    /// Dense numbers turn an offset into a range: no page costs more than its own rows.
    PAGE: Read [UUIDOID, UUIDOID, INT4OID, INT4OID, INT8OID, INT8OID] -> HistoryRow,
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

columns! {
    struct HistoryRow {
        can_view: bool,
        message: LeftJoined<Message>,
    }
}

/// Returns the type of `row_type`, `stream.chat_message`.
#[pg_extern(stable)]
fn get_message_history(
    session_id: Option<Uuid>,
    page_size: Option<i32>,
    skip: Option<i32>,
    before_seq: Option<i64>,
    after_seq: Option<i64>,
    row_type: Option<AnyElement>,
) -> SetOfIterator<'static, pgrx::composite_type!('static, "anyelement")> {
    let _ = row_type;
    let messages = or_raise(page(session_id, page_size, skip, before_seq, after_seq)).into_iter();
    SetOfIterator::new(messages.map(|message| or_raise(message.into_composite())))
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
    let rows = spi::all(&PAGE, &arguments)?;
    match rows.first() {
        None => Err(ErrorCode::SessionNotFound.into()),
        Some(first) if !first.can_view => Err(ErrorCode::CannotView.into()),
        Some(_) => Ok(rows.into_iter().filter_map(|row| row.message.0).collect()),
    }
}
