//! The rate of mutes, bans and lifts: a number a minute for each actor in a session.
//!
//! Calls of one session come one at a time, so the check still holds when the charge is written. It is written
//! after the row of the user is locked, which new restrictions refer to, and after the session's: the first row of
//! an actor refers to that.

use pgrx::datum::{TimestampWithTimeZone, Uuid};

use crate::moderation::decision::Moderation;
use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result};
use crate::postgres::spi::{self, statements};
use crate::rate::Rate;

statements! {
    READ: Write [UUIDOID, UUIDOID] -> RateRow,
        "select c.restrictions_per_minute, (
             select r.tat from stream.restriction_rates as r where r.session_id = $1 and r.actor = $2) as tat
         from stream.config as c";

    NOTE: Write [UUIDOID, UUIDOID, TIMESTAMPTZOID]
        "insert into stream.restriction_rates as r (session_id, actor, tat) values ($1, $2, $3)
         on conflict (session_id, actor) do update set tat = excluded.tat";
}

columns! {
    struct RateRow {
        restrictions_per_minute: i32,
        tat: Option<TimestampWithTimeZone>,
    }
}

/// One more restriction within the rate. The service has no rate.
#[must_use = "it is not noted yet"]
pub struct RestrictionCharge {
    session: Uuid,
    noted: Option<(Uuid, TimestampWithTimeZone)>,
}

impl RestrictionCharge {
    pub fn judge(moderation: &Moderation) -> Result<Self> {
        let session = moderation.session;
        let Some(actor) = moderation.actor else {
            return Ok(Self {
                session,
                noted: None,
            });
        };
        let rate = spi::first(&READ, &[session.into(), actor.into()])?
            .ok_or(Failure::Row("the config row is gone"))?;
        let tat = Rate::per_minute(rate.restrictions_per_minute).take(rate.tat)?;
        Ok(Self {
            session,
            noted: Some((actor, tat)),
        })
    }

    pub fn note(self) -> Result<()> {
        let Some((actor, tat)) = self.noted else {
            return Ok(());
        };
        let arguments = [self.session.into(), actor.into(), tat.into()];
        spi::execute(&NOTE, &arguments).map(|_| ())
    }
}
