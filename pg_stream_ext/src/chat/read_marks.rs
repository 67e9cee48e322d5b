//! Read marks: the entries of a log that a user has read.
//!
//! They are kept as ranges of numbers, so that counting the unread ones reads no message.

use pgrx::datum::{Array, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;
use stream_core::limits::MAX_BATCH_ITEMS;

use crate::postgres::caller;
use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::postgres::spi::{self, statements};

/// The number of the oldest entry that is kept of session `s` with head `h`, or of the next one where none is, as SQL text.
macro_rules! oldest_seq_sql {
    () => {
        "coalesce(
             (select min(m.seq) from stream.chat_messages as m where m.session_id = s.id),
             h.last_seq + 1)"
    };
}
pub(crate) use oldest_seq_sql;

/// The read ranges within the kept log, as SQL text where its bounds `b` and the marks `r` are in scope.
macro_rules! kept_reads {
    () => {
        "unnest(r.read * int8multirange(int8range(b.oldest_seq, b.last_seq + 1))) as k (range)"
    };
}
pub(crate) use kept_reads;

/// The read ranges as JSON: pairs of the first and the last number of each range, ascending.
macro_rules! read_json_sql {
    () => {
        concat!(
            "coalesce(
                 (select json_agg(json_build_array(lower(k.range), upper(k.range) - 1)
                      order by k.range)
                  from ",
            $crate::chat::read_marks::kept_reads!(),
            "),
                 '[]'::json)"
        )
    };
}
pub(crate) use read_json_sql;

/// The number of unread entries of the kept log, as SQL text.
macro_rules! unread_count_sql {
    () => {
        concat!(
            "(select b.last_seq + 1 - b.oldest_seq
                  - coalesce(sum(upper(k.range) - lower(k.range)), 0)::bigint
              from ",
            $crate::chat::read_marks::kept_reads!(),
            ")"
        )
    };
}
pub(crate) use unread_count_sql;

/// A multirange without the gaps below its 256 newest ranges: a client that skips every second message
/// must not grow a row, and with it every `sync`, without bound.
macro_rules! bounded {
    ($read:literal) => {
        concat!(
            "(select w.read + int8multirange(int8range(lower(w.read), coalesce(
                  (select lower(o.range) from unnest(w.read) as o (range)
                   order by o.range desc offset 255 limit 1),
                  lower(w.read))))
              from (select ",
            $read,
            " as read) as w)"
        )
    };
}

/// Adds the numbers that the CTE `marked` names.
macro_rules! add_marked {
    () => {
        concat!(
            " insert into stream.chat_reads as r (session_id, user_id, read)
             select $1, $2, ",
            bounded!("k.read"),
            " from marked as k
             where not isempty(k.read)
             on conflict (session_id, user_id) do update
             set read = ",
            bounded!("r.read + excluded.read"),
            ", updated_at = now()
             where not r.read @> excluded.read"
        )
    };
}

/// Whether the user may view, and the number of unread entries; no row when there is no such session.
macro_rules! count_sql {
    () => {
        concat!(
            "select b.can_view, ",
            $crate::chat::read_marks::unread_count_sql!(),
            " as count
             from (
                 select s.id, h.last_seq,
                     stream_private.can_view($2, s.id, s.seller_id) as can_view,
                     ",
            $crate::chat::read_marks::oldest_seq_sql!(),
            " as oldest_seq
                 from stream.stream_sessions as s
                 join stream.chat_heads as h on h.session_id = s.id
                 where s.id = $1
             ) as b
             left join stream.chat_reads as r on r.session_id = b.id and r.user_id = $2"
        )
    };
}

statements! {
    UNREAD: Read [UUIDOID, UUIDOID] -> Unread, count_sql!();

    /// With a snapshot of its own, so that it sees the marks of the same call.
    UNREAD_NOW: Write [UUIDOID, UUIDOID] -> Unread, count_sql!();

    MARK_MESSAGES: Write [UUIDOID, UUIDOID, UUIDARRAYOID]
        concat!(
            "with marked as (
                 select coalesce(range_agg(int8range(m.seq, m.seq, '[]')), '{}') as read
                 from stream.chat_messages as m
                 where m.session_id = $1 and m.id = any ($3)
             )", add_marked!()
        );

    MARK_UP_TO: Write [UUIDOID, UUIDOID, INT8OID]
        concat!(
            "with marked as (
                 select int8multirange(int8range(1, least($3, h.last_seq), '[]')) as read
                 from stream.chat_heads as h
                 where h.session_id = $1 and least($3, h.last_seq) >= 1
             )", add_marked!()
        );
}

columns! {
    struct Unread {
        can_view: bool,
        count: i64,
    }
}

/// Returns how many entries are unread afterwards.
#[pg_extern]
fn mark_messages_as_read(
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    message_ids: Option<Array<'_, Uuid>>,
) -> i64 {
    or_raise(mark_messages(session_id, user_id, message_ids))
}

/// Returns how many entries are unread afterwards.
#[pg_extern]
fn mark_read_up_to(session_id: Option<Uuid>, user_id: Option<Uuid>, seq: Option<i64>) -> i64 {
    or_raise(mark_up_to(session_id, user_id, seq))
}

#[pg_extern(stable)]
fn unread_count(session_id: Option<Uuid>, user_id: Option<Uuid>) -> i64 {
    or_raise(count_unread(session_id, user_id))
}

fn mark_messages(
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    message_ids: Option<Array<'_, Uuid>>,
) -> Result<i64> {
    let user = caller::enter_to_write()?.act_for(user_id)?;
    let session = required(session_id, "session_id")?;
    let ids = required(message_ids, "message_ids")?;
    if ids.len() > MAX_BATCH_ITEMS {
        return Err(Failure::with_hint(
            ErrorCode::InvalidArgument,
            format!("message_ids has at most {MAX_BATCH_ITEMS} elements"),
        ));
    }
    let ids: Vec<Uuid> = ids.iter().flatten().collect();
    unread(&UNREAD_NOW, session, user)?;
    spi::execute(&MARK_MESSAGES, &[session.into(), user.into(), ids.into()])?;
    unread(&UNREAD_NOW, session, user)
}

fn mark_up_to(session_id: Option<Uuid>, user_id: Option<Uuid>, seq: Option<i64>) -> Result<i64> {
    let user = caller::enter_to_write()?.act_for(user_id)?;
    let session = required(session_id, "session_id")?;
    let seq = required(seq, "seq")?;
    if seq < 0 {
        return Err(Failure::with_hint(
            ErrorCode::InvalidArgument,
            "seq is a number of the log",
        ));
    }
    unread(&UNREAD_NOW, session, user)?;
    spi::execute(&MARK_UP_TO, &[session.into(), user.into(), seq.into()])?;
    unread(&UNREAD_NOW, session, user)
}

fn count_unread(session_id: Option<Uuid>, user_id: Option<Uuid>) -> Result<i64> {
    let user = caller::enter()?.resolve_user(user_id)?;
    let session = required(session_id, "session_id")?;
    unread(&UNREAD, session, user)
}

/// The number of unread entries, for a user who may view the session.
fn unread(
    statement: &'static std::thread::LocalKey<spi::Statement<Unread>>,
    session: Uuid,
    user: Uuid,
) -> Result<i64> {
    let unread =
        spi::first(statement, &[session.into(), user.into()])?.ok_or(ErrorCode::SessionNotFound)?;
    if !unread.can_view {
        return Err(ErrorCode::CannotView.into());
    }
    Ok(unread.count)
}
