//! The row of `stream.ticker`: claiming it, reading what is due, and marking what was done.

use pgrx::pg_sys;

use crate::log::relay_queue;
use crate::postgres::caller::Admitted;
use crate::postgres::catalogue;
use crate::postgres::column::columns;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};

statements! {
    /// Counting and sweeping is due about once a second. A mark twice a second is enough to show that a ticker is
    /// alive. A time ahead of the clock is from before the clock was set back.
    DUE: Write [] -> DueNow,
        "select
             t.swept_at <= now() - interval '900 milliseconds' or t.swept_at > now() as round,
             t.ticked_at <= now() - interval '500 milliseconds' or t.ticked_at > now() as mark,
             t.ticked_at <= now() - interval '5 seconds' and t.ticked_at > '-infinity' or t.ticked_at > now()
                 as is_abandoned
         from stream.ticker as t";

    /// Only the owner of the tables can lock it, and nobody waits for it.
    CLAIM: Write [] -> bool,
        "select true from stream.ticker as t where t.id for update skip locked";

    /// The first tick after half a second marks, so a mark soon after it shows that ticks come in quick succession and
    /// send unsent entries soon ($1).
    MARK_TICKED: Write [BOOLOID]
        "update stream.ticker
         set ticked_at = now(),
             sends_at = case
                 when $1 and ticked_at between now() - interval '600 milliseconds' and now() then now()
                 else sends_at end
         where id and (ticked_at <= now() - interval '500 milliseconds' or ticked_at > now())";
}

columns! {
    #[derive(Default)]
    struct DueNow {
        round: bool,
        mark: bool,
        is_abandoned: bool,
    }
}

/// The work that is due in a tick.
pub struct Due {
    pub round: bool,
    pub mark: bool,
    pub tails: bool,
    /// The last mark is old, so a transaction that holds the row is no ticker.
    pub is_abandoned: bool,
}

impl Due {
    /// Reads what is due, without writing or locking anything.
    pub fn look(admitted: Admitted) -> Result<Self> {
        let due = spi::first(&DUE, &[])?.unwrap_or_default();
        Ok(Self {
            round: due.round,
            mark: due.mark,
            tails: relay_queue::is_due(admitted)?,
            is_abandoned: due.is_abandoned,
        })
    }

    pub fn is_nothing(&self) -> bool {
        !(self.round || self.mark || self.tails)
    }
}

/// Whether nobody keeps the table of the ticker locked; takes the lock of a claim, without waiting.
pub fn can_be_claimed() -> bool {
    let table = catalogue::find_relation(c"stream", c"ticker");
    table.is_some_and(|table| catalogue::lock_if_free(table, pg_sys::RowShareLock))
}

/// Claims the ticker's row until the transaction ends; returns false when another transaction holds it.
pub fn claim() -> Result<bool> {
    Ok(spi::first(&CLAIM, &[])? == Some(true))
}

/// Marks that a ticker is alive; with `sends`, that it sends unsent entries.
pub fn mark_ticked(sends: bool) -> Result<()> {
    spi::execute(&MARK_TICKED, &[sends.into()]).map(|_| ())
}
