//! Synchronisation: the messages a client missed, its read marks, and the state of the stream.
//!
//! It is one statement, so the whole result comes from one snapshot.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use pgrx::spi::SpiHeapTupleData;
use stream_core::error::ErrorCode;

use crate::chat::cooldown::{self, cooldown_columns};
use crate::chat::read_marks::{read_json_sql, unread_count_sql};
use crate::log::epoch::{epoch_origin, epoch_sql};
use crate::log::message::message_json;
use crate::postgres::caller;
use crate::postgres::error::{Failure, Result, answer, required};
use crate::postgres::spi::{self, column, nullable, statements};
use crate::postgres::utc::in_utc;

/// The most missed messages in one result; the next call returns the rest.
pub const MAX_MISSED: i32 = 1000;

/// How many messages a client gets that holds none, or only messages of another epoch.
pub const NEWEST_PAGE: i32 = 50;

statements! {
    /// A client resumes when it names a number of this epoch that the log has reached; anything
    /// else gets the newest page. The limit tells the planner that there is one row of config: nobody
    /// analyzes so small a table, and hundreds of supposed rows make it compile the plan (JIT).
    SYNC: Read [UUIDOID, UUIDOID, TEXTOID, INT8OID, TEXTOID, INT4OID, INT4OID]
        concat!(
            "with config as (
                 select * from stream.config limit 1
             ), session as (
                 select s.id, s.state, s.generation, s.viewer_count, s.chat_mode, s.slow_mode_ms,
                     s.pinned_seq,
                     h.last_seq, h.host_chat_tat,
                     ", epoch_sql!("$5"), " as epoch,
                     stream_private.can_view($2, s.id, s.seller_id) as can_view,
                     case when $2 is null then 'service'
                          when s.seller_id = $2 then 'seller'
                          when exists (
                              select from stream.stream_viewers as v
                              where v.session_id = s.id and v.user_id = $2 and v.is_active
                          ) then 'viewer'
                          else 'guest' end as role,
                     coalesce(
                         (select min(m.seq) from stream.chat_messages as m
                          where m.session_id = s.id),
                         h.last_seq + 1) as oldest_seq
                 from stream.stream_sessions as s
                 join stream.chat_heads as h on h.session_id = s.id
                 cross join config as c
                 where s.id = $1
             ), cursor as (
                 select *,
                     $4 is null or $4 = 0 and $3 is null as is_fresh,
                     coalesce($4 <= last_seq and ($3 is null or $3 = epoch), false) as resumes
                 from session
             ), bounds as (
                 select *,
                     case when resumes then $4 else greatest(last_seq - $7, 0) end as above
                 from cursor
             )
             select b.can_view, b.state, b.role, b.generation, b.viewer_count, b.epoch, b.last_seq, b.oldest_seq,
                 b.resumes or b.is_fresh,
                 b.last_seq > b.above + $6,
                 coalesce(
                     (select json_agg(", message_json!(), " order by m.seq)
                      from stream.chat_messages as m
                      where b.can_view and m.session_id = b.id
                          and m.seq > b.above and m.seq <= b.above + $6),
                     '[]'::json)::text,
                 ", read_json_sql!(), "::text,
                 case when $2 is not null then ", unread_count_sql!(), " end,
                 b.chat_mode, b.slow_mode_ms, b.pinned_seq,
                 (select ", message_json!(), "::text from stream.chat_messages as m
                  where b.can_view and m.session_id = b.id and m.seq = b.pinned_seq),
                 coalesce(
                     (select json_agg(json_build_object(
                             'kind', x.kind, 'until', x.until, 'reason', x.reason) order by x.kind)
                      from stream_private.restrictions as x
                      where x.session_id = b.id and x.user_id = $2 and x.is_in_force),
                     '[]'::json)::text,
                 t.now,
                 ", cooldown_columns!(), "
             from bounds as b
             cross join config as c
             cross join (select clock_timestamp() as now) as t
             left join stream.stream_viewers as v on v.session_id = b.id and v.user_id = $2
             left join stream.chat_reads as r on r.session_id = b.id and r.user_id = $2"
        );
}

type SyncRow = (
    Uuid,
    String,
    String,
    i32,
    i32,
    i32,
    String,
    i64,
    i64,
    bool,
    bool,
    String,
    String,
    Option<i64>,
    i32,
    String,
    i32,
    Option<i64>,
    Option<String>,
    String,
    TimestampWithTimeZone,
);

#[pg_extern(stable)]
#[expect(
    clippy::type_complexity,
    reason = "pgrx reads the column names from the literal type"
)]
fn sync(
    session_id: Option<Uuid>,
    after_seq: Option<i64>,
    epoch: Option<&str>,
) -> TableIterator<
    'static,
    (
        name!(session_id, Uuid),
        name!(state, String),
        name!(role, String),
        name!(generation, i32),
        name!(host_uid, i32),
        name!(viewer_count, i32),
        name!(epoch, String),
        name!(head_seq, i64),
        name!(oldest_seq, i64),
        name!(recovered, bool),
        name!(has_more, bool),
        name!(messages, String),
        name!(read, String),
        name!(unread_count, Option<i64>),
        name!(cooldown_ms, i32),
        name!(chat_mode, String),
        name!(slow_mode_ms, i32),
        name!(pinned_seq, Option<i64>),
        name!(pinned, Option<String>),
        name!(restrictions, String),
        name!(server_time, TimestampWithTimeZone),
    ),
> {
    TableIterator::once(answer(missed(session_id, after_seq, epoch)))
}

fn missed(
    session_id: Option<Uuid>,
    after_seq: Option<i64>,
    epoch: Option<&str>,
) -> Result<SyncRow> {
    let caller = caller::enter()?;
    let session = required(session_id, "session_id")?;
    if after_seq.is_some_and(|seq| !(0..=i64::MAX / 2).contains(&seq)) {
        return Err(Failure::with_hint(
            ErrorCode::InvalidArgument,
            "after_seq is a number of the log",
        ));
    }
    let arguments = [
        session.into(),
        caller.user_id().into(),
        epoch.into(),
        after_seq.into(),
        epoch_origin().into(),
        MAX_MISSED.into(),
        NEWEST_PAGE.into(),
    ];
    let read = |row: &SpiHeapTupleData<'_>| {
        if !column::<bool>(row, 1)? {
            return Err(ErrorCode::CannotView.into());
        }
        let generation: i32 = column(row, 4)?;
        Ok((
            session,
            column(row, 2)?,
            column(row, 3)?,
            generation,
            generation,
            column(row, 5)?,
            column(row, 6)?,
            column(row, 7)?,
            column(row, 8)?,
            column(row, 9)?,
            column(row, 10)?,
            column(row, 11)?,
            column(row, 12)?,
            nullable(row, 13)?,
            cooldown::read_ms(row, 19)?,
            column(row, 14)?,
            column(row, 15)?,
            nullable(row, 16)?,
            nullable(row, 17)?,
            column(row, 18)?,
            column(row, 19)?,
        ))
    };
    in_utc(|| spi::first(&SYNC, &arguments, read))?.ok_or_else(|| ErrorCode::SessionNotFound.into())
}
