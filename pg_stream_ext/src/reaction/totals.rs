//! Totals of reactions: adding up what was counted since the last broadcast, and broadcasting event `reactions`.

use pgrx::datum::Uuid;
use serde::Serialize;

use crate::clock;
use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result};
use crate::postgres::json_text;
use crate::postgres::spi::{self, statements};
use crate::realtime::{broadcast, sends};

statements! {
    /// Takes the counts that nobody holds; returns the totals of all kinds, or nothing where there is nothing to take. Each
    /// row is deleted by its place: a few of one stream, which this transaction has locked.
    TAKE: Write [UUIDOID] -> Total,
        "with taken as (
             delete from stream.reaction_counts as c where c.ctid = any (array(
                 select f.ctid from stream.reaction_counts as f where f.session_id = $1 for update skip locked))
             returning c.kind, c.added
         ), added as materialized (
             select t.kind, sum(t.added)::bigint as added from taken as t group by t.kind
         ), counted as (
             insert into stream.reaction_totals as k (session_id, kind, total, sent_at)
             select $1, a.kind, a.added, clock_timestamp() from added as a order by a.kind
             on conflict (session_id, kind) do update
             set total = k.total + excluded.total, sent_at = excluded.sent_at
             returning k.kind, k.total
         )
         select n.kind, n.total, coalesce(a.added, 0) as added
         from (
             select c.kind, c.total from counted as c
             union all
             select k.kind, k.total from stream.reaction_totals as k
             where k.session_id = $1 and k.kind not in (select c.kind from counted as c)
                 and exists (select from counted)
         ) as n
         left join added as a on a.kind = n.kind
         order by n.kind";

    /// Whether nobody can react any more: whoever does holds the row of an open lease.
    IS_QUIET: Write [UUIDOID] -> bool,
        "select exists (select from stream.reaction_counts as c where c.session_id = $1)
             or exists (select from stream.reaction_totals as k where k.session_id = $1)
             or exists (select from stream.reaction_rates as r where r.session_id = $1)
         from stream.stream_sessions as s
         where s.id = $1 and s.state = 'ended'
             and not exists (select from stream.stream_viewers as v where v.session_id = $1 and v.is_active)";

    /// Without a partition the last counts go unsent. Whatever somebody holds is left to the next sweep.
    CLEAR_COUNTS: Write [UUIDOID]
        "delete from stream.reaction_counts as c where c.ctid = any (array(
             select f.ctid from stream.reaction_counts as f where f.session_id = $1 for update skip locked))";

    CLEAR_TOTALS: Write [UUIDOID]
        "with cleared as (
             delete from stream.reaction_rates as r where r.session_id = $1
         )
         delete from stream.reaction_totals as k where k.session_id = $1
             and not exists (select from stream.reaction_counts as c where c.session_id = $1)";
}

columns! {
    /// The reactions of one kind.
    #[derive(Serialize)]
    struct Total {
        kind: String,
        total: i64,
        added: i64,
    }
}

const EVENT: &str = "reactions";

/// The payload of the event, `stream.reactions_event`.
#[derive(Serialize)]
struct Payload<'a> {
    session_id: String,
    reactions: &'a [Total],
    server_time: String,
}

/// Broadcasts the totals of a stream with what was counted since the last broadcast; returns whether there was anything.
/// What a transaction that reacts still holds is left to the next. Takes nothing while no partition takes the broadcast.
pub fn send(session: Uuid) -> Result<bool> {
    let now = clock::now()?;
    let Some(method) = broadcast::hold_write_method(now)? else {
        return Ok(false);
    };
    let totals = spi::all(&TAKE, &[session.into()])?;
    if totals.is_empty() {
        return Ok(false);
    }
    let session_id = json_text::uuid(session);
    let topic = format!("viewers:{session_id}");
    let payload = Payload {
        session_id,
        reactions: &totals,
        server_time: json_text::time(now),
    };
    let payload = serde_json::to_string(&payload);
    let payload = payload.map_err(|_| Failure::Row("totals are no JSON"))?;
    broadcast::write(method, &topic, EVENT, &payload, now)?;
    sends::note(&topic, EVENT)?;
    Ok(true)
}

/// Broadcasts the last totals of a stream that has ended, and deletes all that is kept about its reactions, once its
/// leases are closed.
pub fn close(session: Uuid) -> Result<()> {
    if spi::first(&IS_QUIET, &[session.into()])? != Some(true) {
        return Ok(());
    }
    send(session)?;
    for statement in [&CLEAR_COUNTS, &CLEAR_TOTALS] {
        spi::execute(statement, &[session.into()])?;
    }
    Ok(())
}
