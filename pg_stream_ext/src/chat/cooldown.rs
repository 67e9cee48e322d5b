//! The cooldown: the time that a user has to wait before their next message.
//!
//! Computed from the columns that sending writes, so it is a hint: the send itself decides, by the same limits
//! ([`crate::rate`]).

use pgrx::datum::TimestampWithTimeZone;
use pgrx::spi::SpiHeapTupleData;

use crate::chat::settings::ChatRate;
use crate::postgres::error::Result;
use crate::postgres::spi::{column, nullable};
use crate::rate::{backlog_us, slow_mode_wait_ms, wait_ms};

/// The columns for [`read_ms`], where session `b`, its viewer `v`, config `c` and a time
/// `t.now` are in scope. The seller and moderators are spared slow mode; the host application is asked about
/// the latter only where there is something to wait for.
macro_rules! cooldown_columns {
    () => {
        "t.now,
         case when b.role = 'seller' then b.host_chat_tat else v.chat_tat end,
         case when b.role = 'seller' then c.host_chat_interval_ms else c.chat_interval_ms end,
         case when b.role = 'seller' then c.host_chat_burst else c.chat_burst end,
         b.slow_mode_ms,
         case when b.role <> 'seller' and v.last_chat_at + b.slow_mode_ms * interval '1 millisecond' > t.now
                 and not coalesce(stream.hook_can_moderate(v.user_id, b.id), false)
             then floor(extract(epoch from t.now - v.last_chat_at) * 1000)::bigint end"
    };
}
pub(crate) use cooldown_columns;

/// Returns the longer of the rate limiter's wait and slow mode's, in milliseconds, from the columns behind the
/// first `skip`.
pub fn read_ms(row: &SpiHeapTupleData<'_>, skip: usize) -> Result<i32> {
    let now: TimestampWithTimeZone = column(row, skip + 1)?;
    let tat: Option<TimestampWithTimeZone> = nullable(row, skip + 2)?;
    let rate = ChatRate {
        interval_ms: column(row, skip + 3)?,
        burst: column(row, skip + 4)?,
    };
    let slow_mode_ms: i32 = column(row, skip + 5)?;
    let backlog_us = tat.map_or(0, |tat| backlog_us(tat, now));
    let wait_ms = wait_ms(rate.limit(), backlog_us).max(slow_mode_wait_ms(
        slow_mode_ms.into(),
        nullable(row, skip + 6)?,
    ));
    Ok(i32::try_from(wait_ms).unwrap_or(i32::MAX))
}
