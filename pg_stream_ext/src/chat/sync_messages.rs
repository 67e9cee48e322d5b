//! Synchronisation by message id: the messages after one that the client holds.

use pgrx::AnyElement;
use pgrx::datum::Uuid;
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::chat::sync::{MAX_MISSED, NEWEST_PAGE};
use crate::log::message::{Message, message_columns};
use crate::postgres::caller;
use crate::postgres::column::{LeftJoined, columns};
use crate::postgres::error::{Result, or_raise, required};
use crate::postgres::spi::{self, statements};

statements! {
    SINCE: Read [UUIDOID, UUIDOID, UUIDOID, INT4OID, INT4OID] -> MissedRow,
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

columns! {
    /// The same bounds in each row, and a message where there is one.
    struct MissedRow {
        can_view: bool,
        above: Option<i64>,
        message: LeftJoined<Message>,
    }
}

/// Returns the type of `row_type`, `stream.chat_message`.
#[pg_extern(stable)]
fn sync_messages(
    session_id: Option<Uuid>,
    last_message_id: Option<Uuid>,
    row_type: Option<AnyElement>,
) -> SetOfIterator<'static, pgrx::composite_type!('static, "anyelement")> {
    let _ = row_type;
    let messages = or_raise(since(session_id, last_message_id)).into_iter();
    SetOfIterator::new(messages.map(|message| or_raise(message.into_composite())))
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
    let rows = spi::all(&SINCE, &arguments)?;
    let Some(first) = rows.first() else {
        return Err(ErrorCode::SessionNotFound.into());
    };
    if !first.can_view {
        return Err(ErrorCode::CannotView.into());
    }
    if first.above.is_none() {
        return Err(ErrorCode::MessageNotFound.into());
    }
    Ok(rows.into_iter().filter_map(|row| row.message.0).collect())
}
