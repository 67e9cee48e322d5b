//! Synchronisation: the messages a client missed, its read marks, and the state of the stream.
//!
//! It is one statement, so the whole result comes from one snapshot.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::chat::cooldown::{Cooldown, cooldown_columns};
use crate::chat::read_marks::{oldest_seq_sql, read_json_sql, unread_count_sql};
use crate::chat::recoveries;
use crate::digest::sha256_hex;
use crate::log::epoch::{epoch_origin, epoch_sql};
use crate::log::message::message_json;
use crate::postgres::caller;
use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::postgres::spi::{self, statements};
use crate::postgres::utc::in_utc;

/// The most missed messages in one result; the next call returns the rest.
pub const MAX_MISSED: i32 = 1000;

/// How much of a digest a version holds: 64 bits, and nobody gains by two that are equal.
const DIGEST_DIGITS: usize = 16;

/// How many messages a client gets that holds none, or only messages of another epoch.
pub const NEWEST_PAGE: i32 = 50;

statements! {
    /// A client resumes when it names a number of this epoch that the log has reached; anything
    /// else gets the newest page. The limit tells the planner that there is one row of config: nobody
    /// analyzes so small a table, and hundreds of supposed rows make it compile the plan (JIT).
    SYNC: Read [UUIDOID, UUIDOID, TEXTOID, INT8OID, TEXTOID, INT4OID, INT4OID] -> SyncColumns,
        concat!(
            "with config as (
                 select * from stream.config limit 1
             ), session as (
                 select s.id, s.state, s.generation, s.viewer_count, s.chat_mode, s.slow_mode_ms,
                     s.pinned_seq,
                     case when s.state <> 'ended' then y.poll_ms end as poll_ms,
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
                     ", oldest_seq_sql!(), " as oldest_seq
                 from stream.stream_sessions as s
                 join stream.chat_heads as h on h.session_id = s.id
                 left join stream.chat_relay as y on y.session_id = s.id
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
                 b.resumes or b.is_fresh as recovered,
                 b.last_seq > b.above + $6 as has_more,
                 coalesce(
                     (select json_agg(", message_json!(), " order by m.seq)
                      from stream.chat_messages as m
                      where b.can_view and m.session_id = b.id
                          and m.seq > b.above and m.seq <= b.above + $6),
                     '[]'::json)::text as messages,
                 ", read_json_sql!(), "::text as read,
                 case when $2 is not null then ", unread_count_sql!(), " end as unread_count,
                 b.chat_mode, b.pinned_seq,
                 (select ", message_json!(), "::text from stream.chat_messages as m
                  where b.can_view and m.session_id = b.id and m.seq = b.pinned_seq) as pinned,
                 coalesce(
                     (select json_agg(json_build_object(
                             'kind', x.kind, 'until', x.until, 'reason', x.reason) order by x.kind)
                      from stream_private.restrictions as x
                      where x.session_id = b.id and x.user_id = $2 and x.is_in_force),
                     '[]'::json)::text as restrictions,
                 b.poll_ms, ", cooldown_columns!(), ", v.last_chat_at
             from bounds as b
             cross join config as c
             cross join (select clock_timestamp() as now) as t
             left join stream.stream_viewers as v on v.session_id = b.id and v.user_id = $2
             left join stream.chat_reads as r on r.session_id = b.id and r.user_id = $2"
        );
}

columns! {
    struct SyncColumns {
        can_view: bool,
        state: String,
        role: String,
        generation: i32,
        viewer_count: i32,
        epoch: String,
        last_seq: i64,
        oldest_seq: i64,
        recovered: bool,
        has_more: bool,
        messages: String,
        read: String,
        unread_count: Option<i64>,
        chat_mode: String,
        pinned_seq: Option<i64>,
        pinned: Option<String>,
        restrictions: String,
        poll_ms: Option<i32>,
        cooldown: Cooldown,
        last_chat_at: Option<TimestampWithTimeZone>,
    }
}

impl SyncColumns {
    /// Equal versions of the same session, for the same caller and cursor, mean an equal result: its first four parts say
    /// what changes most, the last is a digest of everything else. Of times it covers when the cooldown ends, not how long
    /// that is from now.
    fn version(&self) -> String {
        let rest = serde_json::json!([
            self.role,
            self.generation,
            self.oldest_seq,
            self.recovered,
            self.has_more,
            self.messages,
            self.read,
            self.unread_count,
            self.chat_mode,
            self.pinned_seq,
            self.pinned,
            self.restrictions,
            self.cooldown.ends(),
            self.last_chat_at.map(TimestampWithTimeZone::into_inner),
            self.poll_ms,
        ]);
        let mut digest = sha256_hex(&rest.to_string());
        digest.truncate(DIGEST_DIGITS);
        format!(
            "{}.{}.{}.{}.{digest}",
            self.epoch, self.last_seq, self.state, self.viewer_count
        )
    }
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
    Option<i32>,
    TimestampWithTimeZone,
    String,
);

#[pg_extern(stable)]
#[expect(
    clippy::type_complexity,
    reason = "pgrx reads the column names from the literal type"
)]
fn sync(
    of_session: Option<Uuid>,
    after_seq: Option<i64>,
    of_epoch: Option<&str>,
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
        name!(poll_ms, Option<i32>),
        name!(server_time, TimestampWithTimeZone),
        name!(version, String),
    ),
> {
    TableIterator::once(or_raise(missed(of_session, after_seq, of_epoch)))
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
    let row = in_utc(|| spi::first(&SYNC, &arguments))?.ok_or(ErrorCode::SessionNotFound)?;
    if !row.can_view {
        return Err(ErrorCode::CannotView.into());
    }
    if after_seq.is_some_and(|seq| seq > 0 || epoch.is_some()) {
        recoveries::count(row.recovered, &row.messages)?;
    }
    let version = row.version();
    Ok((
        session,
        row.state,
        row.role,
        row.generation,
        // The host's Agora uid.
        row.generation,
        row.viewer_count,
        row.epoch,
        row.last_seq,
        row.oldest_seq,
        row.recovered,
        row.has_more,
        row.messages,
        row.read,
        row.unread_count,
        row.cooldown.wait_ms(),
        row.chat_mode,
        row.cooldown.slow_mode_ms,
        row.pinned_seq,
        row.pinned,
        row.restrictions,
        row.poll_ms,
        row.cooldown.now,
        version,
    ))
}
