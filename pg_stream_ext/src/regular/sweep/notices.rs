//! The statements that delete Agora's notices and cursors after their time.

use std::thread::LocalKey;

use crate::postgres::spi::{Statement, statements};
use crate::regular::sweep::swept::{Keys, Swept};

statements! {
    /// A notice without a stream counts for the nil uuid.
    TAKE_EVENTS: Write [INT4OID, UUIDARRAYOID] -> Keys<String>,
        "with due as (
             select coalesce(e.session_id, '00000000-0000-0000-0000-000000000000') as session_id, e.notice_id
             from stream.webhook_events as e
             where e.received_at <= now()
                     - (select k.webhook_retention_days from stream.config as k) * interval '1 day'
                 and coalesce(e.session_id, '00000000-0000-0000-0000-000000000000') <> all ($2)
             order by e.received_at limit $1
             for update of e skip locked
         )
         select d.session_id, array_agg(d.notice_id) as keys from due as d group by d.session_id order by d.session_id";

    SWEEP_EVENTS: Write [UUIDOID, TEXTARRAYOID] -> Swept,
        "with swept as (
             delete from stream.webhook_events as e
             where e.notice_id = any ($2)
                 and coalesce(e.session_id, '00000000-0000-0000-0000-000000000000') = $1
             returning now() - e.received_at
                 - (select k.webhook_retention_days from stream.config as k) * interval '1 day' as age
         )
         select count(*)::integer as rows, max(w.age) as age from swept as w";

    TAKE_CURSORS: Write [INT4OID, UUIDARRAYOID] -> Keys<i64>,
        "with due as (
             select k.session_id, k.uid from stream.webhook_cursors as k
             where k.forget_at <= now() and k.session_id <> all ($2)
             order by k.forget_at limit $1
             for update skip locked
         )
         select d.session_id, array_agg(d.uid) as keys from due as d group by d.session_id order by d.session_id";

    /// Judges the locked rows, so one that was moved on meanwhile is kept.
    SWEEP_CURSORS: Write [UUIDOID, INT8ARRAYOID] -> Swept,
        "with swept as (
             delete from stream.webhook_cursors as k
             where k.session_id = $1 and k.uid = any ($2) and k.forget_at <= now()
             returning now() - k.forget_at as age
         )
         select count(*)::integer as rows, max(w.age) as age from swept as w";
}

/// The statement that locks due rows and returns their keys by stream, and the one that deletes them by key.
type Pair<K> = (
    &'static LocalKey<Statement<Keys<K>>>,
    &'static LocalKey<Statement<Swept>>,
);

/// Notices that are older than the retention.
pub const EVENTS: Pair<String> = (&TAKE_EVENTS, &SWEEP_EVENTS);

/// Cursors of users who left a minute ago, and of streams beyond their longest duration.
pub const CURSORS: Pair<i64> = (&TAKE_CURSORS, &SWEEP_CURSORS);
