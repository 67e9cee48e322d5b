//! What becomes of live streams when the clock was set back?
//!
//! What was seen then lies in the future: it counts as seen now. A batch in every sweep, and the ticker
//! remembers whether there is more.

use pgrx::datum::Uuid;

use crate::error::Result;
use crate::lifecycle::check_at;
use crate::spi::{self, column, statements};

/// Whether ticker `t` swept by a clock that was set back since. It must be more than this behind the
/// last sweep to be believed.
macro_rules! was_set_back {
    () => {
        "(t.was_set_back or t.swept_at > now() + interval '5 seconds')"
    };
}

/// Whether live session `s` is dated by a clock that was ahead, under config `c`. By the moment: what
/// others have written since this transaction began is right.
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
    /// The viewers are counted in the same update, because this transaction does not come to these rows
    /// again.
    CORRECT: Write [INT4OID]
        concat!(
            "with misdated as (
                 -- The clock is asked first, so that nothing is read as long as it is right.
                 select s.id from stream.stream_sessions as s
                 cross join stream.config as c
                 where (select ", was_set_back!(), " from stream.ticker as t)
                     and s.state <> 'ended' and ", is_misdated!(), "
                 order by s.check_at limit $1
                 for no key update of s skip locked
             )
             update stream.stream_sessions as s
             set host_seen_at = case when s.host_seen_at > now() then now() else s.host_seen_at end,
                 state_changed_at = least(s.state_changed_at, now()),
                 created_at = least(s.created_at, now()),
                 reconnect_deadline = case when s.state = 'error' then
                     least(s.reconnect_deadline, now() + s.reconnect_window_s * interval '1 second') end,
                 check_at = now(),
                 viewer_count = counted.active,
                 peak_viewer_count = greatest(s.peak_viewer_count, counted.active)
             from (
                 select m.id, (
                     select count(*)::integer from stream.stream_viewers as v
                     where v.session_id = m.id and v.is_active
                 ) as active
                 from misdated as m
             ) as counted
             where s.id = counted.id
             returning s.id"
        );

    MARK_SWEPT: Write []
        concat!(
            "update stream.ticker as t
             set swept_at = now(),
                 was_set_back = case when ", was_set_back!(), " then exists (
                     select from stream.stream_sessions as s
                     cross join stream.config as c
                     where s.state <> 'ended' and ", is_misdated!(), ") else false end
             where t.id"
        );
}

/// Answers the sessions that were corrected, at most a batch.
pub fn correct(batch: i32) -> Result<Vec<Uuid>> {
    spi::run(&CORRECT, &[batch.into()], |rows| {
        rows.map(|row| column(&row, 1)).collect()
    })
}

/// At the end of a sweep.
pub fn mark_swept() -> Result<()> {
    spi::execute(&MARK_SWEPT, &[]).map(|_| ())
}
