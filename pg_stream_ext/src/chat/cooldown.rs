//! The cooldown: the time that a user has to wait before their next message.
//!
//! Computed from the columns that sending writes, so it is a hint: the send itself decides, by the same limits
//! ([`crate::rate`]).

use pgrx::datum::TimestampWithTimeZone;

use crate::chat::settings::ChatRate;
use crate::postgres::column::columns;
use crate::rate::{backlog_us, slow_mode_wait_ms, wait_ms};

/// The columns of a [`Cooldown`], where session `b`, its viewer `v`, config `c` and a time
/// `t.now` are in scope. The seller and moderators are spared slow mode; the host application is asked about
/// the latter only where there is something to wait for.
macro_rules! cooldown_columns {
    () => {
        "t.now,
         case when b.role = 'seller' then b.host_chat_tat else v.chat_tat end as tat,
         case when b.role = 'seller' then c.host_chat_interval_ms else c.chat_interval_ms end as interval_ms,
         case when b.role = 'seller' then c.host_chat_burst else c.chat_burst end as burst,
         b.slow_mode_ms,
         case when b.role <> 'seller' and v.last_chat_at + b.slow_mode_ms * interval '1 millisecond' > t.now
                 and not coalesce(stream.hook_can_moderate(v.user_id, b.id), false)
             then floor(extract(epoch from t.now - v.last_chat_at) * 1000)::bigint end as silent_ms"
    };
}
pub(crate) use cooldown_columns;

columns! {
    pub struct Cooldown {
        pub now: TimestampWithTimeZone,
        tat: Option<TimestampWithTimeZone>,
        interval_ms: i32,
        burst: i32,
        pub slow_mode_ms: i32,
        silent_ms: Option<i64>,
    }
}

impl Cooldown {
    /// What decides when the user may write again, apart from the present time and their last message; the last says
    /// whether slow mode counts.
    pub fn ends(&self) -> (Option<i64>, [i32; 3], bool) {
        let tat = self.tat.map(TimestampWithTimeZone::into_inner);
        let limits = [self.interval_ms, self.burst, self.slow_mode_ms];
        (tat, limits, self.silent_ms.is_some())
    }

    /// Returns the longer of the rate limiter's wait and slow mode's, in milliseconds.
    pub fn wait_ms(&self) -> i32 {
        let rate = ChatRate {
            interval_ms: self.interval_ms,
            burst: self.burst,
        };
        let backlog_us = self.tat.map_or(0, |tat| backlog_us(tat, self.now));
        let slow_mode_ms = slow_mode_wait_ms(self.slow_mode_ms.into(), self.silent_ms);
        let wait_ms = wait_ms(rate.limit(), backlog_us).max(slow_mode_ms);
        i32::try_from(wait_ms).unwrap_or(i32::MAX)
    }
}
