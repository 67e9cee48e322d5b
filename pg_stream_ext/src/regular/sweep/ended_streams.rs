//! The rule `ended_resources`: closes leases, tokens, subscriptions, logs and reactions that ended streams left, and
//! counts what their summaries tell.
//!
//! Functions close everything in the transaction that ends a stream; this is for streams that were ended otherwise,
//! and for rows that were locked when a sweep ended the stream.

use pgrx::datum::{Interval, TimestampWithTimeZone, Uuid};

use crate::postgres::column::columns;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};
use crate::reaction::totals;
use crate::regular::unit::{Rule, Unit};
use crate::stream::watch_time::watched_ms;

statements! {
    UNCLEAN_SESSIONS: Write [INT4OID, UUIDARRAYOID] -> Unclean,
        "select s.id, s.ended_at, greatest(now() - s.ended_at, interval '0') as age
         from stream.stream_sessions as s
         where s.state = 'ended' and not s.is_cleaned and s.id <> all ($2)
         order by s.ended_at limit $1
         for no key update skip locked";

    CLEAN_LEASES: Write [UUIDOID, TIMESTAMPTZOID, INT4OID]
        concat!(
            "with left_over as (
                 select v.session_id, v.user_id from stream.stream_viewers as v
                 where v.session_id = $1 and v.is_active limit $3 for no key update skip locked
             )
             update stream.stream_viewers as v
             set left_at = $2, watch_ms = v.watch_ms + ", watched_ms!("$2"), "
             from left_over as l where v.session_id = l.session_id and v.user_id = l.user_id"
        );

    /// Does not wait for the deletion of a user, which may wait for rows that this sweep holds.
    CLEAN_TOKENS: Write [UUIDOID, TIMESTAMPTZOID, INT4OID]
        "with left_over as (
             select t.id from stream.agora_tokens as t
             where t.session_id = $1 and t.is_active limit $3 for no key update skip locked
         )
         update stream.agora_tokens as t set is_active = false
         from left_over as l where t.id = l.id";

    CLEAN_SUBSCRIPTIONS: Write [UUIDOID, TIMESTAMPTZOID, INT4OID]
        "with left_over as (
             select b.id from stream.chat_subscriptions as b
             where b.session_id = $1 and b.is_active limit $3 for no key update skip locked
         )
         update stream.chat_subscriptions as b set is_active = false, ended_at = $2
         from left_over as l where b.id = l.id";

    CLEAN_LOG: Write [UUIDOID]
        "with left_over as (
             select h.session_id from stream.chat_heads as h
             where h.session_id = $1 and h.open for no key update skip locked
         )
         update stream.chat_heads as h set open = false
         from left_over as l where h.session_id = l.session_id";

    /// Counts a part of the log; behind its last part, when nothing is open any more, a part of the viewers. One write: a
    /// second one in a transaction would check the references of the row again, and wait for whoever holds them.
    FINISH: Write [UUIDOID, INT8OID]
        "with part as (
             select s.counted_seq, s.counted_uid, least(l.last_seq, s.counted_seq + $2) as upto,
                 s.counted_seq + $2 >= l.last_seq
                     and not exists (
                         select from stream.stream_viewers as v where v.session_id = $1 and v.is_active)
                     and not exists (
                         select from stream.agora_tokens as t where t.session_id = $1 and t.is_active)
                     and not exists (
                         select from stream.chat_subscriptions as b where b.session_id = $1 and b.is_active)
                     and not exists (select from stream.reaction_counts as c where c.session_id = $1)
                     and not exists (select from stream.reaction_totals as k where k.session_id = $1)
                     and not l.open as is_closed
             from stream.stream_sessions as s
             cross join lateral (
                 select coalesce(max(h.last_seq), 0) as last_seq, coalesce(bool_or(h.open), false) as open
                 from stream.chat_heads as h where h.session_id = $1
             ) as l
             where s.id = $1
         )
         update stream.stream_sessions as s
         set counted_seq = p.upto, message_count = s.message_count + m.messages,
             deleted_message_count = s.deleted_message_count + m.deleted,
             counted_uid = v.upto, unique_viewers = s.unique_viewers + v.viewers,
             watch_ms = s.watch_ms + v.watch_ms, is_cleaned = p.is_closed and v.viewers < $2
         from part as p
         cross join lateral (
             select count(*) as messages, count(*) filter (where m.deleted_at is not null) as deleted
             from stream.chat_messages as m
             where m.session_id = $1 and m.seq > p.counted_seq and m.seq <= p.upto
                 and m.message_type = 'user_message'
         ) as m
         cross join lateral (
             select count(*) as viewers, coalesce(sum(n.watch_ms), 0)::bigint as watch_ms,
                 coalesce(max(n.agora_uid), p.counted_uid) as upto
             from (
                 select v.agora_uid, v.watch_ms from stream.stream_viewers as v
                 where v.session_id = $1 and p.is_closed and v.agora_uid > p.counted_uid
                 order by v.agora_uid limit $2
             ) as n
         ) as v
         where s.id = $1 and (p.is_closed or p.upto > p.counted_seq)";
}

columns! {
    struct Unclean {
        id: Uuid,
        ended_at: TimestampWithTimeZone,
        age: Interval,
    }
}

/// Entries of the log, and viewers, that one sweep counts of a stream.
const COUNTED: i64 = 10_000;

/// Handles at most a batch of streams, and of the rows that they left open; reports the number of streams.
pub struct EndedStreams;

impl Rule for EndedStreams {
    fn name(&self) -> &'static str {
        "ended_resources"
    }

    fn unit(&self, unit: &mut Unit) -> Result<()> {
        let limit = unit.limit().min(unit.rows_left());
        let arguments = [limit.into(), unit.skipping().into()];
        for Unclean { id, ended_at, age } in spi::all(&UNCLEAN_SESSIONS, &arguments)? {
            if unit.is_over() {
                break;
            }
            let at_most = unit.rows_left();
            let closed = unit.stream(id, || close(id, ended_at, at_most))?;
            unit.spend(closed.max(1));
            unit.count(self.name(), 1, Some(age));
        }
        Ok(())
    }
}

/// Closes at most `at_most` rows that are not locked; returns how many.
fn close(id: Uuid, ended_at: TimestampWithTimeZone, at_most: i32) -> Result<i32> {
    let mut left = at_most;
    for statement in [&CLEAN_LEASES, &CLEAN_TOKENS, &CLEAN_SUBSCRIPTIONS] {
        let closed = spi::execute(statement, &[id.into(), ended_at.into(), left.into()])?;
        left -= i32::try_from(closed).unwrap_or(left);
    }
    spi::execute(&CLEAN_LOG, &[id.into()])?;
    totals::close(id)?;
    // After a full batch, or with locked rows, the rest is left to the next sweep.
    spi::execute(&FINISH, &[id.into(), COUNTED.into()])?;
    Ok(at_most - left)
}
