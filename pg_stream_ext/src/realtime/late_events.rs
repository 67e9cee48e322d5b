//! Noting events that no partition takes, in table `stream.late_events`.
//!
//! The rule `late_events` of the regular work sends them. Of each subject of a topic the newest event is kept, so a day
//! without a partition costs a row for each, and an update in the place of a broadcast.

use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};

/// The events that are kept. What others state is stated again by their next one, or by `sync`.
const KEPT: [&str; 7] = [
    "state",
    "viewer_count",
    "live",
    "restricted",
    "revoked",
    "token_expiring",
    "resync",
];

statements! {
    /// A mute and a ban are subjects of their own, of which one event may take back another.
    NOTE: Write [TEXTOID, TEXTOID, TEXTOID]
        "insert into stream.late_events as e (session_id, topic, subject, event, payload, user_id, noted_at)
         select (p.payload ->> 'session_id')::uuid, $1, coalesce(p.payload ->> 'restriction', $2), $2, p.payload,
             case when $1 like 'user:%' then substr($1, 6)::uuid end, clock_timestamp()
         from (select $3::jsonb as payload) as p
         on conflict (session_id, topic, subject) do update
         set event = excluded.event, payload = excluded.payload, noted_at = excluded.noted_at";
}

/// Notes an event to be sent late.
pub fn note(topic: &str, event: &str, payload: &str) -> Result<()> {
    if !KEPT.contains(&event) {
        return Ok(());
    }
    spi::execute(&NOTE, &[topic.into(), event.into(), payload.into()]).map(|_| ())
}
