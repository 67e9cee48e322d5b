//! Heartbeats of many viewers in one call.

use pgrx::datum::Uuid;
use pgrx::prelude::*;

use crate::batch;
use crate::log::flush_without_ticker;
use crate::postgres::caller;
use crate::postgres::column::columns;
use crate::postgres::commit::skip_waiting_for_the_disk;
use crate::postgres::error::{Failure, Result, or_raise};
use crate::postgres::spi::{self, statements};

statements! {
    /// Prolongs all leases of a batch. A lease that another transaction holds gets `lock_timeout` and is not waited for:
    /// the rest of the batch would wait too, with its leases locked.
    BATCH: Write [TEXTOID] -> ItemStatus,
        "with items as (
             select i.ordinality::integer as item, i.session_id, i.user_id, i.foreground, i.join_no
             from rows from (
                 jsonb_to_recordset($1::jsonb)
                     as (session_id uuid, user_id uuid, foreground boolean, join_no integer)
             ) with ordinality as i (session_id, user_id, foreground, join_no, ordinality)
         ), leases as (
             select v.session_id, v.user_id, v.join_no
             from stream.stream_viewers as v
             where (v.session_id, v.user_id) in (select i.session_id, i.user_id from items as i)
                 and v.is_active
             order by v.session_id, v.user_id
             for no key update skip locked
         ), newest as (
             select distinct on (i.session_id, i.user_id) i.session_id, i.user_id, i.foreground
             from items as i
             join leases as l on l.session_id = i.session_id and l.user_id = i.user_id
             where i.join_no is null or i.join_no = l.join_no
             order by i.session_id, i.user_id, i.item desc
         ), renewed as (
             update stream.stream_viewers as v
             set last_seen_at = now(),
                 background_since = case when coalesce(n.foreground, v.foreground) then null
                                         else coalesce(v.background_since, now()) end,
                 lease_check_at = case when v.foreground and not coalesce(n.foreground, v.foreground)
                     then least(v.lease_check_at, now() + c.background_grace_s * interval '1 second')
                     else v.lease_check_at end
             from newest as n
             cross join stream.config as c
             where v.session_id = n.session_id and v.user_id = n.user_id
             returning v.session_id
         )
         select i.item,
             case when i.session_id is null or i.user_id is null then 'invalid_argument'
                  when l.user_id is null and exists (
                      select from stream.stream_viewers as v
                      where v.session_id = i.session_id and v.user_id = i.user_id and v.is_active
                  ) then 'lock_timeout'
                  when l.user_id is null and exists (
                      select from stream_private.bans as b
                      where b.session_id = i.session_id and b.user_id = i.user_id
                  ) then 'banned'
                  when l.user_id is null then 'not_viewer'
                  when i.join_no <> l.join_no then 'superseded'
                  else 'ok' end as status
         from items as i
         left join leases as l on l.session_id = i.session_id and l.user_id = i.user_id
         order by i.item";
}

columns! {
    struct ItemStatus {
        item: i32,
        status: String,
    }
}

/// Heartbeats of many viewers; `items` is the text of a JSON array.
#[pg_extern]
fn heartbeats(
    items: Option<&str>,
) -> TableIterator<'static, (name!(item, i32), name!(status, String))> {
    TableIterator::new(or_raise(heartbeat_all(items)).into_iter().map(Into::into))
}

/// One heartbeat of a batch. A malformed one has no fields and is refused alone.
#[derive(Default, serde::Deserialize, serde::Serialize)]
struct BatchItem {
    session_id: Option<uuid::Uuid>,
    user_id: Option<uuid::Uuid>,
    foreground: Option<bool>,
    join_no: Option<i32>,
}

fn heartbeat_all(items: Option<&str>) -> Result<Vec<ItemStatus>> {
    let caller = caller::enter_to_write()?;
    batch::admit(caller)?;
    let items = batch::read(items)?.into_iter();
    let items: Vec<BatchItem> = items.map(Option::unwrap_or_default).collect();
    let sessions: Vec<_> = items.iter().map(|item| item.session_id).collect();
    let items = serde_json::to_string(&items).map_err(|_| Failure::Row("items are not JSON"))?;
    skip_waiting_for_the_disk();
    let answers = spi::all(&BATCH, &[items.as_str().into()])?;
    let renewed = answers.iter().filter(|answer| answer.status == "ok");
    let renewed = renewed.filter_map(|answer| {
        let index = usize::try_from(answer.item - 1).ok()?;
        let session = *sessions.get(index)?;
        Some(Uuid::from_bytes(*session?.as_bytes()))
    });
    flush_without_ticker::flush_all(caller.admitted(), renewed)?;
    Ok(answers)
}
