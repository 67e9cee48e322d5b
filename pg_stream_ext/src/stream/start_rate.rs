//! The rate of starts and takeovers: so many a minute for each seller.
//!
//! The row is locked last, and judged under that lock: two devices of one seller cannot
//! both use the last of a minute's starts, and whoever holds the row waits for nobody. A check without a lock comes
//! before anything is written, so that a seller who goes on after a refusal leaves nothing behind that has to be undone.
//! The row belongs to the seller and to no stream: deleting streams or auctions gives no start back. The sweep deletes it
//! once it limits nothing.

use pgrx::datum::{TimestampWithTimeZone, Uuid};

use crate::postgres::caller::{Admitted, Caller};
use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::{Table, Values};
use crate::postgres::spi::{self, statements};
use crate::rate::Rate;

static CONFIG: Table = Table::new(c"config");
static RATES: Table = Table::new(c"start_rates");

/// A row that was missing can be added by another device, and be swept again before it is locked.
const ATTEMPTS: usize = 3;

statements! {
    /// Adds nothing when another device was first.
    ADD: Write [UUIDOID, TIMESTAMPTZOID]
        "insert into stream.start_rates (seller_id, tat) values ($1, $2)
         on conflict (seller_id) do nothing";
}

/// The rate of a seller's starts, checked once.
pub struct StartRate {
    admitted: Admitted,
    seller: Uuid,
    rate: Rate,
}

impl StartRate {
    /// Refuses a start with the wait when those of before have used up the minute. Two at once may both pass. The service
    /// has no rate.
    pub fn check(caller: Caller, seller: Uuid) -> Result<Option<Self>> {
        if matches!(caller, Caller::Service(_)) {
            return Ok(None);
        }
        let admitted = caller.admitted();
        let count = CONFIG.only(admitted, |row| row.column(c"starts_per_minute"))?;
        let rate = Rate::per_minute(count.ok_or(Failure::Row("the config row is gone"))?);
        let tat = RATES.find(admitted, &[seller], |row| {
            row.column::<TimestampWithTimeZone>(c"tat").map(Some)
        })?;
        rate.take(tat)?;
        Ok(Some(Self {
            admitted,
            seller,
            rate,
        }))
    }

    /// Counts a start, or refuses it with the wait.
    pub fn charge(self) -> Result<()> {
        let Self {
            admitted,
            seller,
            rate,
        } = self;
        for _ in 0..ATTEMPTS {
            let charged = RATES.update(admitted, &[seller], |row| {
                let tat = rate.take(Some(row.column(c"tat")?))?;
                let change: Values<1> = [(c"tat", tat.into())];
                Ok(Some(((), change)))
            })?;
            if charged.is_some()
                || spi::execute(&ADD, &[seller.into(), rate.take(None)?.into()])? == 1
            {
                return Ok(());
            }
        }
        Err(Failure::Row("the rate of starts was not locked"))
    }
}
