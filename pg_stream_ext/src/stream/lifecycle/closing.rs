//! Closing the leases, tokens, subscriptions and the log of a stream that ends.

use std::thread::LocalKey;

use pgrx::datum::Uuid;

use crate::postgres::error::Result;
use crate::postgres::spi::{self, Statement, statements};
use crate::stream::watch_time::watched_ms;

statements! {
    /// Counts the viewers, including those whom no tick has counted.
    CLOSE_LEASES: Write [UUIDOID] -> i32,
        concat!(
            "with leases as (
                 select v.session_id, v.user_id from stream.stream_viewers as v
                 where v.session_id = $1 and v.is_active
                 order by v.user_id for no key update
             ), closed as (
                 update stream.stream_viewers as v
                 set left_at = now(), watch_ms = v.watch_ms + ", watched_ms!("now()"), "
                 from leases as l
                 where v.session_id = l.session_id and v.user_id = l.user_id
             )
             select count(*)::integer from stream_private.leases as v where v.session_id = $1 and v.holds"
        );

    RETIRE_TOKENS: Write [UUIDOID]
        "update stream.agora_tokens set is_active = false where session_id = $1 and is_active";

    CLOSE_SUBSCRIPTIONS: Write [UUIDOID]
        "update stream.chat_subscriptions set is_active = false, ended_at = now()
         where session_id = $1 and is_active";

    /// All leases that hold are counted, closed or not; `ended_resources` of the sweep closes the others.
    CLOSE_FREE_LEASES: Write [UUIDOID] -> i32,
        concat!(
            "with leases as (
                 select v.session_id, v.user_id from stream.stream_viewers as v
                 where v.session_id = $1 and v.is_active
                 order by v.user_id for no key update skip locked
             ), closed as (
                 update stream.stream_viewers as v
                 set left_at = now(), watch_ms = v.watch_ms + ", watched_ms!("now()"), "
                 from leases as l
                 where v.session_id = l.session_id and v.user_id = l.user_id
             )
             select count(*)::integer from stream_private.leases as v where v.session_id = $1 and v.holds"
        );

    RETIRE_FREE_TOKENS: Write [UUIDOID]
        "with free as (
             select t.id from stream.agora_tokens as t
             where t.session_id = $1 and t.is_active for no key update skip locked
         )
         update stream.agora_tokens as t set is_active = false from free as f where t.id = f.id";

    CLOSE_FREE_SUBSCRIPTIONS: Write [UUIDOID]
        "with free as (
             select b.id from stream.chat_subscriptions as b
             where b.session_id = $1 and b.is_active for no key update skip locked
         )
         update stream.chat_subscriptions as b set is_active = false, ended_at = now()
         from free as f where b.id = f.id";

    CLOSE_LOG: Write [UUIDOID]
        "update stream.chat_heads set open = false where session_id = $1";
}

/// The statements that close the rows of a stream.
pub struct ClosingStatements {
    leases: &'static LocalKey<Statement<i32>>,
    tokens: &'static LocalKey<Statement>,
    subscriptions: &'static LocalKey<Statement>,
}

/// Close all rows, waiting for those that are locked.
pub const WAITING: ClosingStatements = ClosingStatements {
    leases: &CLOSE_LEASES,
    tokens: &RETIRE_TOKENS,
    subscriptions: &CLOSE_SUBSCRIPTIONS,
};

/// Close the rows that are not locked.
pub const SKIPPING_LOCKED: ClosingStatements = ClosingStatements {
    leases: &CLOSE_FREE_LEASES,
    tokens: &RETIRE_FREE_TOKENS,
    subscriptions: &CLOSE_FREE_SUBSCRIPTIONS,
};

impl ClosingStatements {
    /// Returns the number of viewers.
    pub fn close_leases(&self, session: Uuid) -> Result<Option<i32>> {
        spi::first(self.leases, &[session.into()])
    }

    /// Closes the rest, after the last entry is logged.
    pub fn close_others(&self, session: Uuid) -> Result<()> {
        for statement in [&CLOSE_LOG, self.tokens, self.subscriptions] {
            spi::execute(statement, &[session.into()])?;
        }
        Ok(())
    }
}
