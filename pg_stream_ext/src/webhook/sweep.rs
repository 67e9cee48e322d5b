//! How long are Agora's notices, and those who have left, remembered?

use pgrx::datum::Interval;
use pgrx::spi::SpiHeapTupleData;

use crate::error::Result;
use crate::spi::{self, column, nullable, statements};

statements! {
    SWEEP_EVENTS: Write [INT4OID]
        "with due as (
             select e.notice_id, e.received_at + c.webhook_retention_days * interval '1 day' as due_at
             from stream.webhook_events as e
             cross join stream.config as c
             where e.received_at <= now()
                 - (select k.webhook_retention_days from stream.config as k) * interval '1 day'
             order by e.received_at limit $1
             for update of e skip locked
         ), swept as (
             delete from stream.webhook_events as e using due
             where e.notice_id = due.notice_id
             returning now() - due.due_at as age
         )
         select count(*)::integer, max(w.age) from swept as w";

    /// One that was moved on meanwhile is left alone: the lock finds its newest version.
    SWEEP_CURSORS: Write [INT4OID]
        "with due as (
             select k.session_id, k.uid, k.forget_at from stream.webhook_cursors as k
             where k.forget_at <= now()
             order by k.forget_at limit $1
             for update skip locked
         ), swept as (
             delete from stream.webhook_cursors as k using due
             where k.session_id = due.session_id and k.uid = due.uid
             returning now() - due.forget_at as age
         )
         select count(*)::integer, max(w.age) from swept as w";
}

/// The number of rows, and for how long the oldest was due.
pub type Tally = (i32, Option<Interval>);

/// Notices that are older than the retention.
pub fn sweep_events(batch: i32) -> Result<Option<Tally>> {
    spi::first(&SWEEP_EVENTS, &[batch.into()], tally)
}

/// Cursors of those who left a minute ago, and of streams that cannot last any longer.
pub fn sweep_cursors(batch: i32) -> Result<Option<Tally>> {
    spi::first(&SWEEP_CURSORS, &[batch.into()], tally)
}

fn tally(row: &SpiHeapTupleData<'_>) -> Result<Tally> {
    Ok((column(row, 1)?, nullable(row, 2)?))
}
