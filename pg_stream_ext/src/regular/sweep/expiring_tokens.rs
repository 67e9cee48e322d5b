//! The rule `expiring_tokens`: tells users that their newest Agora token ends soon, once for each token.
//!
//! A heartbeat renews a token from 75 % of its life on, so this reaches who sends none, and who did not get the answer.

use pgrx::datum::{Interval, TimestampWithTimeZone, Uuid};
use serde_json::json;

use crate::clock;
use crate::postgres::column::columns;
use crate::postgres::error::Result;
use crate::postgres::json_text;
use crate::postgres::spi::{self, statements};
use crate::realtime::broadcast;
use crate::regular::sweep::swept::Keys;
use crate::regular::unit::{Rule, Unit};

/// Whether token `t` is its user's newest, and its user still needs one: a viewer with a lease, or the seller, of live
/// session `s`. As SQL text.
macro_rules! concerns_its_user {
    ($t:literal, $s:literal) => {
        concat!(
            $s,
            ".state <> 'ended'
             and (",
            $s,
            ".seller_id = ",
            $t,
            ".user_id or exists (
                 select from stream.stream_viewers as v
                 where v.session_id = ",
            $t,
            ".session_id and v.user_id = ",
            $t,
            ".user_id and v.is_active))
             and not exists (
                 select from stream.agora_tokens as n
                 where n.session_id = ",
            $t,
            ".session_id and n.user_id = ",
            $t,
            ".user_id and n.is_active
                     and (n.created_at, n.id) > (",
            $t,
            ".created_at, ",
            $t,
            ".id))"
        )
    };
}
pub(super) use concerns_its_user;

statements! {
    TAKE: Write [INT4OID, UUIDARRAYOID] -> Keys<Uuid>,
        "with due as (
             select t.session_id, t.id from stream.agora_tokens as t
             where t.is_active and t.check_at <= now() and t.expires_at > now() and t.session_id <> all ($2)
             order by t.check_at limit $1
             for no key update skip locked
         )
         select d.session_id, array_agg(d.id) as keys from due as d group by d.session_id order by d.session_id";

    /// The next look is at the token's end.
    CHECK: Write [UUIDOID, UUIDARRAYOID] -> Expiring,
        concat!(
            "with due as (
                 select d.id, now() - d.check_at as age from stream.agora_tokens as d
                 where d.id = any ($2) and d.session_id = $1 and d.is_active
             ), checked as (
                 update stream.agora_tokens as t set check_at = t.expires_at
                 from due as d where t.id = d.id
                 returning t.id, t.session_id, t.user_id, t.created_at, t.expires_at, d.age
             )
             select c.user_id, c.expires_at, c.age, ",
            concerns_its_user!("c", "s"),
            " as concerns
             from checked as c
             join stream.stream_sessions as s on s.id = c.session_id
             order by c.user_id"
        );
}

columns! {
    struct Expiring {
        user_id: Uuid,
        expires_at: TimestampWithTimeZone,
        age: Interval,
        concerns: bool,
    }
}

/// Announces the ends of tokens; reports the number of events.
pub struct ExpiringTokens;

impl Rule for ExpiringTokens {
    fn name(&self) -> &'static str {
        "expiring_tokens"
    }

    fn unit(&self, unit: &mut Unit) -> Result<()> {
        let arguments = [unit.rows_left().into(), unit.skipping().into()];
        for Keys { session, keys } in spi::all(&TAKE, &arguments)? {
            if unit.is_over() {
                break;
            }
            let taken = i32::try_from(keys.len()).unwrap_or(i32::MAX);
            let told = unit.stream(session, || announce(session, keys))?;
            unit.spend(taken);
            for age in told {
                unit.count(self.name(), 1, Some(age));
            }
        }
        Ok(())
    }
}

/// Returns for how long each was due.
fn announce(session: Uuid, tokens: Vec<Uuid>) -> Result<Vec<Interval>> {
    let mut told = Vec::new();
    for expiring in spi::all(&CHECK, &[session.into(), tokens.into()])? {
        if !expiring.concerns {
            continue;
        }
        let payload = json!({
            "session_id": json_text::uuid(session),
            "expires_at": json_text::time(expiring.expires_at),
            "server_time": json_text::time(clock::now()?),
        });
        let topic = format!("user:{}", json_text::uuid(expiring.user_id));
        broadcast::broadcast(&topic, "token_expiring", &payload.to_string())?;
        told.push(expiring.age);
    }
    Ok(told)
}
