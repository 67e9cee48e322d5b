//! The rules for rows with an end of their own: leases, tokens, restrictions, notices, cursors, first results and rates.

use std::thread::LocalKey;

use pgrx::datum::{DatumWithOid, Uuid};

use crate::postgres::column::Columns;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, Statement, statements};
use crate::regular::sweep::notices;
use crate::regular::sweep::swept::{Keys, Swept};
use crate::regular::unit::{Rule, Unit};

statements! {
    /// Leases that are over, and those that were only checked too early. A check that lies further
    /// ahead than any lease can last is from before the clock was set back.
    TAKE_LEASES: Write [INT4OID, UUIDARRAYOID] -> Keys<Uuid>,
        "with overdue as (
             select v.session_id, v.user_id
             from stream.stream_viewers as v
             where v.is_active and v.lease_check_at <= now() and v.session_id <> all ($2)
             order by v.lease_check_at limit $1
             for no key update skip locked
         ), misdated as (
             select v.session_id, v.user_id
             from stream.stream_viewers as v
             where v.is_active and v.lease_check_at > now()
                 + (select 2 * c.lease_s from stream.config as c) * interval '1 second'
                 and v.session_id <> all ($2)
             order by v.lease_check_at desc limit $1
             for no key update skip locked
         )
         select d.session_id, array_agg(d.user_id order by d.user_id) as keys
         from (select * from overdue union all select * from misdated) as d
         group by d.session_id order by d.session_id";

    /// Judges the locked rows, so that a heartbeat that has just come in counts.
    SWEEP_LEASES: Write [UUIDOID, UUIDARRAYOID] -> Swept,
        "with judged as (
             select v.user_id, v.lease_check_at, least(v.last_seen_at, now()) as seen_at, v.ends_at, v.holds, v.watched_ms
             from stream_private.leases as v
             where v.session_id = $1 and v.user_id = any ($2)
         ), swept as (
             update stream.stream_viewers as v
             set left_at = case when not j.holds then j.ends_at end,
                 last_seen_at = j.seen_at,
                 lease_check_at = j.ends_at,
                 watch_ms = case when j.holds then v.watch_ms else j.watched_ms end
             from judged as j
             where v.session_id = $1 and v.user_id = j.user_id
             returning v.is_active, now() - j.lease_check_at as age
         ), noted as (
             insert into stream.viewer_changes (session_id)
             select $1 where exists (select from swept as w where not w.is_active)
         )
         select count(*)::integer as rows, max(w.age) as age from swept as w where not w.is_active";

    TAKE_TOKENS: Write [INT4OID, UUIDARRAYOID] -> Keys<Uuid>,
        "with due as (
             select t.session_id, t.id from stream.agora_tokens as t
             where t.is_active and t.check_at <= now() and t.expires_at <= now() and t.session_id <> all ($2)
             order by t.check_at limit $1
             for no key update skip locked
         )
         select d.session_id, array_agg(d.id) as keys from due as d group by d.session_id order by d.session_id";

    SWEEP_TOKENS: Write [UUIDOID, UUIDARRAYOID] -> Swept,
        "with swept as (
             update stream.agora_tokens as t set is_active = false
             where t.id = any ($2) and t.session_id = $1 and t.is_active
             returning now() - t.expires_at as age
         )
         select count(*)::integer as rows, max(w.age) as age from swept as w";

    TAKE_RESTRICTIONS: Write [INT4OID, UUIDARRAYOID] -> Keys<Uuid>,
        "with due as (
             select r.session_id, r.user_id from stream_private.restrictions as r
             where not r.is_in_force and r.session_id <> all ($2)
             order by r.until limit $1
             for update skip locked
         )
         select d.session_id, array_agg(distinct d.user_id) as keys from due as d
         group by d.session_id order by d.session_id";

    SWEEP_RESTRICTIONS: Write [UUIDOID, UUIDARRAYOID] -> Swept,
        "with due as (
             select r.user_id, r.kind, r.until from stream_private.restrictions as r
             where r.session_id = $1 and r.user_id = any ($2) and not r.is_in_force
             for update skip locked
         ), swept as (
             delete from stream.chat_restrictions as r using due as d
             where r.session_id = $1 and r.user_id = d.user_id and r.kind = d.kind
             returning now() - d.until as age
         )
         select count(*)::integer as rows, max(w.age) as age from swept as w";

    /// Request ids belong to no stream; the nil uuid stands for that.
    TAKE_REQUESTS: Write [INT4OID, UUIDARRAYOID] -> Keys<i64>,
        "with due as (
             select r.id from stream.requests as r
             where r.created_at <= now()
                     - (select k.request_retention_hours from stream.config as k) * interval '1 hour'
                 and '00000000-0000-0000-0000-000000000000' <> all ($2)
             order by r.created_at limit $1
             for update skip locked
         )
         select '00000000-0000-0000-0000-000000000000'::uuid as session_id, array_agg(d.id) as keys
         from due as d having count(*) > 0";

    SWEEP_REQUESTS: Write [UUIDOID, INT8ARRAYOID] -> Swept,
        "with swept as (
             delete from stream.requests as r
             where r.id = any ($2) and $1 = '00000000-0000-0000-0000-000000000000'
             returning now() - r.created_at
                 - (select k.request_retention_hours from stream.config as k) * interval '1 hour' as age
         )
         select count(*)::integer as rows, max(w.age) as age from swept as w";

    /// Rates belong to sellers and to no stream, too. One that lies an hour in the past has long limited nothing; one beyond
    /// a minute ahead is from before the clock was set back.
    TAKE_START_RATES: Write [INT4OID, UUIDARRAYOID] -> Keys<Uuid>,
        "with past as (
             select r.seller_id from stream.start_rates as r
             where r.tat <= now() - interval '1 hour' and '00000000-0000-0000-0000-000000000000' <> all ($2)
             order by r.tat limit $1
             for update skip locked
         ), misdated as (
             select r.seller_id from stream.start_rates as r
             where r.tat > now() + interval '2 minutes'
                 and '00000000-0000-0000-0000-000000000000' <> all ($2)
             order by r.tat desc limit $1
             for update skip locked
         )
         select '00000000-0000-0000-0000-000000000000'::uuid as session_id, array_agg(d.seller_id) as keys
         from (select * from past union all select * from misdated) as d having count(*) > 0";

    SWEEP_START_RATES: Write [UUIDOID, UUIDARRAYOID] -> Swept,
        "with swept as (
             delete from stream.start_rates as r
             where r.seller_id = any ($2) and $1 = '00000000-0000-0000-0000-000000000000'
             returning greatest(now() - interval '1 hour' - r.tat, interval '0') as age
         )
         select count(*)::integer as rows, max(w.age) as age from swept as w";
}

/// A rule for one table. Its due rows are locked together and handled stream by stream.
struct Dated<K: 'static> {
    name: &'static str,
    /// From the batch size and the streams to skip, returns each stream with the keys of its due rows.
    take: &'static LocalKey<Statement<Keys<K>>>,
    /// A stream and keys.
    sweep: &'static LocalKey<Statement<Swept>>,
}

impl<K: 'static> Rule for Dated<K>
where
    Vec<K>: Columns + Into<DatumWithOid<'static>>,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn unit(&self, unit: &mut Unit) -> Result<()> {
        let arguments = [unit.rows_left().into(), unit.skipping().into()];
        for Keys { session, keys } in spi::all(self.take, &arguments)? {
            if unit.is_over() {
                break;
            }
            let taken = i32::try_from(keys.len()).unwrap_or(i32::MAX);
            let swept = unit.stream(session, || {
                spi::first(self.sweep, &[session.into(), keys.into()])
            })?;
            let (rows, age) = swept.map_or((0, None), Into::into);
            unit.spend(taken.max(rows));
            unit.count(self.name, rows, age);
        }
        Ok(())
    }
}

fn dated<K: 'static>(
    name: &'static str,
    take: &'static LocalKey<Statement<Keys<K>>>,
    sweep: &'static LocalKey<Statement<Swept>>,
) -> Box<dyn Rule>
where
    Vec<K>: Columns + Into<DatumWithOid<'static>>,
{
    Box::new(Dated { name, take, sweep })
}

/// Ends leases that are over.
pub fn leases() -> Box<dyn Rule> {
    dated("viewer_leases", &TAKE_LEASES, &SWEEP_LEASES)
}

/// Marks expired tokens as inactive.
pub fn tokens() -> Box<dyn Rule> {
    dated("tokens", &TAKE_TOKENS, &SWEEP_TOKENS)
}

/// Deletes mutes and bans that are over.
pub fn restrictions() -> Box<dyn Rule> {
    dated("restrictions", &TAKE_RESTRICTIONS, &SWEEP_RESTRICTIONS)
}

/// Deletes notices of Agora after their retention.
pub fn webhook_events() -> Box<dyn Rule> {
    let (take, sweep) = notices::EVENTS;
    dated("webhook_events", take, sweep)
}

/// Deletes the cursors of users who have left a channel.
pub fn webhook_cursors() -> Box<dyn Rule> {
    let (take, sweep) = notices::CURSORS;
    dated("webhook_cursors", take, sweep)
}

/// Deletes the first results of request ids after their retention.
pub fn requests() -> Box<dyn Rule> {
    dated("requests", &TAKE_REQUESTS, &SWEEP_REQUESTS)
}

/// Deletes the rates of sellers who may start as often as anybody again.
pub fn start_rates() -> Box<dyn Rule> {
    dated("start_rates", &TAKE_START_RATES, &SWEEP_START_RATES)
}
