//! The rule `reactions`: broadcasts the totals of streams to which somebody has reacted.

use pgrx::datum::Uuid;

use crate::clock;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};
use crate::reaction::totals;
use crate::realtime::broadcast;
use crate::regular::unit::{Rule, Unit};

/// How long the totals of a stream with relay `r` rest after a broadcast, as SQL text: as long as its viewer count, at least
/// for a round.
macro_rules! window {
    () => {
        "greatest(r.viewers_window_ms, 900) * interval '1 millisecond'"
    };
}

statements! {
    /// Streams with reactions whose window is over. It goes from stream to stream in the index, however many rows each has. A
    /// time ahead of the clock is from before the clock was set back.
    DUE: Write [INT4OID, UUIDARRAYOID] -> Uuid,
        concat!(
            "with recursive pending as (
                 (select c.session_id from stream.reaction_counts as c order by c.session_id limit 1)
                 union all
                 select (
                     select c.session_id from stream.reaction_counts as c
                     where c.session_id > p.session_id order by c.session_id limit 1)
                 from pending as p where p.session_id is not null
             )
             select p.session_id from pending as p
             where p.session_id is not null and p.session_id not in (select unnest($2))
                 and not exists (
                     select from stream.reaction_totals as k
                     join stream.chat_relay as r on r.session_id = k.session_id
                     where k.session_id = p.session_id
                         and k.sent_at > clock_timestamp() - ", window!(), " and k.sent_at <= clock_timestamp())
             order by p.session_id limit $1"
        );

    HAS_ENDED: Write [UUIDOID] -> bool,
        "select s.state = 'ended' from stream.stream_sessions as s where s.id = $1";
}

pub struct Reactions;

impl Rule for Reactions {
    fn name(&self) -> &'static str {
        "reactions"
    }

    fn unit(&self, unit: &mut Unit) -> Result<()> {
        if broadcast::find_write_method(clock::now()?)?.is_none() {
            // Until there is a partition they are counted in the rows that there are.
            return Ok(());
        }
        let arguments = [unit.limit().into(), unit.skipping().into()];
        for session in spi::all(&DUE, &arguments)? {
            if unit.is_over() {
                break;
            }
            unit.stream(session, || {
                if spi::first(&HAS_ENDED, &[session.into()])? == Some(true) {
                    // With the last totals, unless `ended_resources` was there before.
                    return totals::close(session);
                }
                totals::send(session).map(|_| ())
            })?;
        }
        Ok(())
    }
}
