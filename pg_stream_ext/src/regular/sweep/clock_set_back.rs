//! The rule `clock_correction`: redates live streams after the clock was set back.
//!
//! Times of the earlier clock lie in the future and are replaced by now. A sweep corrects a batch, and the row of the
//! ticker stores whether there is more.

use pgrx::datum::Uuid;

use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};
use crate::regular::unit::{Rule, Unit};
use crate::stream::lifecycle::check_at;

/// Whether the clock was set back since ticker `t` swept last, as SQL text. A smaller difference than this one is
/// ignored.
macro_rules! was_set_back {
    () => {
        "(t.was_set_back or t.swept_at > now() + interval '5 seconds')"
    };
}

/// Whether live session `s` is dated by a clock that was ahead, under config `c`. Uses
/// clock_timestamp(), not now(): rows written since the transaction began are right.
macro_rules! is_misdated {
    () => {
        concat!(
            "(s.created_at > clock_timestamp() or s.state_changed_at > clock_timestamp()
                 or s.host_seen_at > clock_timestamp()
                 or s.check_at > greatest(clock_timestamp(), ",
            check_at!(),
            "))"
        )
    };
}

statements! {
    MISDATED: Write [INT4OID, UUIDARRAYOID] -> Uuid,
        concat!(
            "-- The clock is asked first, so that nothing is read as long as it is right.
             select s.id from stream.stream_sessions as s
             cross join stream.config as c
             where (select ", was_set_back!(), " from stream.ticker as t)
                 and s.state <> 'ended' and ", is_misdated!(), " and s.id <> all ($2)
             order by s.check_at limit $1
             for no key update of s skip locked"
        );

    /// The viewers are counted in the same update, because this transaction does not update the row again.
    CORRECT: Write [UUIDOID]
        "update stream.stream_sessions as s
         set host_seen_at = case when s.host_seen_at > now() then now() else s.host_seen_at end,
             state_changed_at = least(s.state_changed_at, now()),
             created_at = least(s.created_at, now()),
             reconnect_deadline = case when s.state = 'error' then
                 least(s.reconnect_deadline, now() + s.reconnect_window_s * interval '1 second') end,
             check_at = now(),
             viewer_count = counted.active,
             peak_viewer_count = greatest(s.peak_viewer_count, counted.active)
         from (
             select count(*)::integer as active from stream.stream_viewers as v
             where v.session_id = $1 and v.is_active
         ) as counted
         where s.id = $1";

    /// Skips a locked row, which its holder marks.
    MARK_SWEPT: Write []
        concat!(
            "with free as (
                 select r.id from stream.ticker as r where r.id for update skip locked
             )
             update stream.ticker as t
             set swept_at = now(),
                 was_set_back = case when ", was_set_back!(), " then exists (
                     select from stream.stream_sessions as s
                     cross join stream.config as c
                     where s.state <> 'ended' and ", is_misdated!(), ") else false end
             from free as f
             where t.id = f.id"
        );
}

/// Corrects live streams; the next round checks them.
pub struct ClockCorrection;

impl Rule for ClockCorrection {
    fn name(&self) -> &'static str {
        "clock_correction"
    }

    fn unit(&self, unit: &mut Unit) -> Result<()> {
        let limit = unit.limit().min(unit.rows_left());
        let arguments = [limit.into(), unit.skipping_written().into()];
        for session in spi::all(&MISDATED, &arguments)? {
            if unit.is_over() {
                break;
            }
            unit.stream(session, || spi::execute(&CORRECT, &[session.into()]))?;
            unit.wrote_session(session);
            unit.spend(1);
        }
        Ok(())
    }
}

/// Marks the end of a sweep; returns false when the row was locked.
pub fn mark_swept() -> Result<bool> {
    Ok(spi::execute(&MARK_SWEPT, &[])? == 1)
}
