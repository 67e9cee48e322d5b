//! The rate of starts and takeovers: so many a minute for each seller.
//!
//! The row is locked last, and judged under that lock: two devices of one seller cannot
//! both use the last of a minute's starts, and whoever holds the row waits for nobody. A look without a lock comes before anything is
//! written, so that a seller who goes on after a refusal leaves nothing behind that has to be undone.

use pgrx::datum::{TimestampWithTimeZone, Uuid};

use crate::postgres::caller::Caller;
use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result};
use crate::postgres::spi::{self, statements};
use crate::rate::Rate;

statements! {
    LOOK: Read [UUIDOID] -> RateRow,
        "select r.tat, c.starts_per_minute from stream.start_rates as r cross join stream.config as c
         where r.seller_id = $1";

    /// Locks the row, also when it was there; it goes with the stream that the seller started last.
    LOCK: Write [UUIDOID, UUIDOID] -> RateRow,
        "insert into stream.start_rates as r (seller_id, session_id, tat) values ($1, $2, clock_timestamp())
         on conflict (seller_id) do update set session_id = excluded.session_id
         returning r.tat, (select c.starts_per_minute from stream.config as c) as starts_per_minute";

    NOTE: Write [UUIDOID, TIMESTAMPTZOID]
        "update stream.start_rates set tat = $2 where seller_id = $1";
}

columns! {
    struct RateRow {
        tat: TimestampWithTimeZone,
        starts_per_minute: i32,
    }
}

/// Refuses a start with the wait when those of before have used up the minute. Two at once may both pass.
pub fn check(caller: Caller, seller: Uuid) -> Result<()> {
    if matches!(caller, Caller::Service(_)) {
        return Ok(());
    }
    match spi::first(&LOOK, &[seller.into()])? {
        Some(rate) => judge(&rate).map(|_| ()),
        None => Ok(()),
    }
}

/// Counts a start, or refuses it with the wait. The service has no rate.
pub fn charge(caller: Caller, seller: Uuid, session: Uuid) -> Result<()> {
    if matches!(caller, Caller::Service(_)) {
        return Ok(());
    }
    let rate = spi::first(&LOCK, &[seller.into(), session.into()])?
        .ok_or(Failure::Row("the rate of starts was not locked"))?;
    let tat = judge(&rate)?;
    spi::execute(&NOTE, &[seller.into(), tat.into()]).map(|_| ())
}

/// The new state of the rate after one more start.
fn judge(rate: &RateRow) -> Result<TimestampWithTimeZone> {
    Rate::per_minute(rate.starts_per_minute).take(Some(rate.tat))
}
