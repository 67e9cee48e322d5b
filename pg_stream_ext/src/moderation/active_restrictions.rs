//! Mutes and bans in force, read by key.
//!
//! This is the only other form of the view `stream_private.restrictions`, for messages, tokens and heartbeats: a
//! statement takes 4 microseconds of a message's or a token's 100, while finding a row by key is hardly measurable.
//! Both compare with the begin of the transaction; `tests/it/mechanism/rule_forms.rs` holds them to each other.

use pgrx::datum::{TimestampWithTimeZone, Uuid};

use crate::clock::{self, Microseconds};
use crate::postgres::caller::Admitted;
use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::Table;

static RESTRICTIONS: Table = Table::new(c"chat_restrictions");

/// The restrictions of one user in one stream.
#[derive(Default)]
pub struct InForce {
    pub is_banned: bool,
    pub mute: Option<Mute>,
}

/// A mute, and when it ends by itself; none: when it is lifted.
pub struct Mute {
    pub until: Option<TimestampWithTimeZone>,
}

impl Mute {
    /// Milliseconds until it ends; none: it does not end by itself.
    pub fn left_ms(&self) -> Result<Option<u64>> {
        let now: Microseconds = clock::now()?.into();
        let left_us = |until| Microseconds::from(until).saturating_sub(now).max(0);
        Ok(self.until.map(|until| left_us(until).unsigned_abs() / 1000))
    }
}

/// Reads the restrictions as committed by now: after a lock, those count that came while it was waited for.
pub fn in_force(admitted: Admitted, session: Uuid, user: Uuid) -> Result<InForce> {
    let now = clock::transaction_start();
    let mut found = InForce::default();
    RESTRICTIONS.find(admitted, &[session, user], |row| {
        let until: Option<TimestampWithTimeZone> = row.nullable(c"until")?;
        if until.is_some_and(|until| Microseconds::from(until) <= now) {
            return Ok(None);
        }
        match row.text(c"kind")? {
            "ban" => found.is_banned = true,
            "mute" => found.mute = Some(Mute { until }),
            _ => return Err(Failure::Row("unknown restriction in the table")),
        }
        // Go on: a user can have both kinds.
        Ok(None::<()>)
    })?;
    Ok(found)
}
