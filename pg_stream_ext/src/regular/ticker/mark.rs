//! The row of `stream.ticker`: who ticks at the moment, what is due, and when it was done last.

use crate::log::relay_queue;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, column, statements};

statements! {
    /// Counting and sweeping is due about once a second. Twice a second is enough of marks for those who
    /// ask whether a ticker is alive. A time ahead of the clock is from before the clock was set back.
    DUE: Write []
        "select
             t.swept_at <= now() - interval '900 milliseconds' or t.swept_at > now(),
             t.ticked_at <= now() - interval '500 milliseconds' or t.ticked_at > now(),
             t.ticked_at <= now() - interval '5 seconds' and t.ticked_at > '-infinity' or t.ticked_at > now()
         from stream.ticker as t";

    /// Nobody but the owner can hold it, and no transaction has to be waited for.
    CLAIM: Write []
        "select true from stream.ticker as t where t.id for update skip locked";

    /// The first tick after half a second marks, so a mark that comes soon after it tells of ticks in quick
    /// succession, by which tails are sent ($1).
    MARK_TICKED: Write [BOOLOID]
        "update stream.ticker
         set ticked_at = now(),
             sends_at = case
                 when $1 and ticked_at between now() - interval '600 milliseconds' and now() then now()
                 else sends_at end
         where id and (ticked_at <= now() - interval '500 milliseconds' or ticked_at > now())";
}

/// What a tick finds to do.
pub struct Due {
    pub round: bool,
    pub mark: bool,
    pub tails: bool,
    /// Nobody has marked for long, although somebody did before, so whoever holds the row is no ticker.
    pub is_abandoned: bool,
}

impl Due {
    /// Looks without writing or locking anything.
    pub fn look() -> Result<Self> {
        let due = spi::first(&DUE, &[], |row| {
            Ok((column(row, 1)?, column(row, 2)?, column(row, 3)?))
        })?;
        let (round, mark, is_abandoned) = due.unwrap_or_default();
        Ok(Self {
            round,
            mark,
            tails: relay_queue::is_due()?,
            is_abandoned,
        })
    }

    pub fn is_nothing(&self) -> bool {
        !(self.round || self.mark || self.tails)
    }
}

/// Whether this transaction is now the only one that ticks, until it ends.
pub fn claim() -> Result<bool> {
    Ok(spi::first(&CLAIM, &[], |row| column(row, 1))? == Some(true))
}

/// Notes that a ticker is alive; with `sends`, that it sends what is left to it.
pub fn mark_ticked(sends: bool) -> Result<()> {
    spi::execute(&MARK_TICKED, &[sends.into()]).map(|_| ())
}
