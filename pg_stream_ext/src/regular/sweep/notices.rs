//! How long Agora's notices, and users of a channel who have left, are remembered.

use std::thread::LocalKey;

use crate::postgres::spi::{Statement, statements};

statements! {
    /// A notice of no stream counts as one of a stream that is not there.
    TAKE_EVENTS: Write [INT4OID, UUIDARRAYOID]
        "with due as (
             select coalesce(e.session_id, '00000000-0000-0000-0000-000000000000') as session_id, e.notice_id
             from stream.webhook_events as e
             where e.received_at <= now()
                     - (select k.webhook_retention_days from stream.config as k) * interval '1 day'
                 and coalesce(e.session_id, '00000000-0000-0000-0000-000000000000') <> all ($2)
             order by e.received_at limit $1
             for update of e skip locked
         )
         select d.session_id, array_agg(d.notice_id) from due as d group by d.session_id order by d.session_id";

    SWEEP_EVENTS: Write [UUIDOID, TEXTARRAYOID]
        "with swept as (
             delete from stream.webhook_events as e
             where e.notice_id = any ($2)
                 and coalesce(e.session_id, '00000000-0000-0000-0000-000000000000') = $1
             returning now() - e.received_at
                 - (select k.webhook_retention_days from stream.config as k) * interval '1 day' as age
         )
         select count(*)::integer, max(w.age) from swept as w";

    TAKE_CURSORS: Write [INT4OID, UUIDARRAYOID]
        "with due as (
             select k.session_id, k.uid from stream.webhook_cursors as k
             where k.forget_at <= now() and k.session_id <> all ($2)
             order by k.forget_at limit $1
             for update skip locked
         )
         select d.session_id, array_agg(d.uid) from due as d group by d.session_id order by d.session_id";

    /// Of the locked rows, so one that was moved on meanwhile is left alone.
    SWEEP_CURSORS: Write [UUIDOID, INT8ARRAYOID]
        "with swept as (
             delete from stream.webhook_cursors as k
             where k.session_id = $1 and k.uid = any ($2) and k.forget_at <= now()
             returning now() - k.forget_at as age
         )
         select count(*)::integer, max(w.age) from swept as w";
}

/// What takes rows with their keys, stream by stream, and what sweeps them by these keys.
type Pair = (&'static LocalKey<Statement>, &'static LocalKey<Statement>);

/// Notices that are older than the retention.
pub const EVENTS: Pair = (&TAKE_EVENTS, &SWEEP_EVENTS);

/// Cursors of those who left a minute ago, and of streams that cannot last any longer.
pub const CURSORS: Pair = (&TAKE_CURSORS, &SWEEP_CURSORS);
