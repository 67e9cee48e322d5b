//! How long must somebody wait before their next message?
//!
//! Read from what sending leaves behind, so it is a hint: the send itself decides.

use pgrx::spi::SpiHeapTupleData;
use stream_core::rate::Limit;

use crate::error::{Failure, Result};
use crate::spi::column;

/// Four columns for [`read_ms`], where session `b`, its viewer `v`, config `c` and a time
/// `t.now` are in scope. Moderators and the seller are spared slow mode. Waits that are longer than
/// slow mode itself are of a clock that was set back.
macro_rules! cooldown_columns {
    () => {
        "(extract(epoch from greatest(
                 case when b.role = 'seller' then b.host_chat_tat else v.chat_tat end, t.now
             ) - t.now) * 1000000)::bigint,
         case when b.role = 'seller' then c.host_chat_interval_ms else c.chat_interval_ms end,
         case when b.role = 'seller' then c.host_chat_burst else c.chat_burst end,
         case when b.role <> 'seller'
                 and v.last_chat_at + b.slow_mode_ms * interval '1 millisecond' > t.now
                 and not coalesce(stream.hook_can_moderate(v.user_id, b.id), false)
             then least(
                 b.slow_mode_ms,
                 ceil(extract(epoch from v.last_chat_at - t.now) * 1000)::integer + b.slow_mode_ms)
             else 0 end"
    };
}
pub(crate) use cooldown_columns;

/// Milliseconds, from the columns behind the first `skip`: whichever is longer of the rate limiter's
/// wait and slow mode's.
pub fn read_ms(row: &SpiHeapTupleData<'_>, skip: usize) -> Result<i32> {
    let backlog_us: i64 = column(row, skip + 1)?;
    let positive =
        |number: i32| u32::try_from(number).map_err(|_| Failure::Row("a limit is negative"));
    let limit = Limit::new(
        positive(column(row, skip + 2)?)?,
        positive(column(row, skip + 3)?)?,
    );
    let slow_mode_ms: i32 = column(row, skip + 4)?;
    let limiter_ms = limit
        .take(backlog_us)
        .map_or_else(|wait_us| wait_us.div_ceil(1000), |_| 0);
    Ok(slow_mode_ms.max(i32::try_from(limiter_ms).unwrap_or(i32::MAX)))
}
