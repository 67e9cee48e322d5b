//! Streams that the regular work has failed at, and when each is tried again: `stream.troubles`.

use pgrx::datum::Uuid;

use crate::error::Result;
use crate::spi::{self, column, nullable, statements};

statements! {
    LOAD: Write []
        "select t.rule, t.session_id, t.next_attempt_at > clock_timestamp()
         from stream.troubles as t
         order by t.next_attempt_at desc limit 10000";

    /// 1 s after the first failure, twice as long after each further one, at most 5 minutes.
    NOTE: Write [UUIDOID, TEXTOID, TEXTOID]
        "insert into stream.troubles as t (session_id, rule, sqlstate, since, attempts, next_attempt_at)
         values ($1, $2, $3, clock_timestamp(), 1, clock_timestamp() + interval '1 second')
         on conflict (session_id, rule) do update
         set sqlstate = excluded.sqlstate,
             attempts = t.attempts + 1,
             next_attempt_at = clock_timestamp()
                 + least(300, power(2, least(t.attempts, 10))) * interval '1 second'";

    CLEAR: Write [UUIDARRAYOID, TEXTOID]
        "delete from stream.troubles as t
         where t.rule = $2 and (t.session_id = any ($1) or $1 is null and t.session_id is null)";

    /// What is due is tried within a round, so nothing is due any more.
    CLEAR_OLD: Write []
        "delete from stream.troubles as t
         where t.next_attempt_at < clock_timestamp() - interval '1 minute'";
}

/// A rule that failed for a stream, or altogether.
#[derive(Clone)]
pub struct Trouble {
    pub rule: String,
    pub session: Option<Uuid>,
    /// It is not tried again yet.
    pub lies_ahead: bool,
}

pub fn load() -> Result<Vec<Trouble>> {
    spi::run(&LOAD, &[], |rows| {
        rows.map(|row| {
            Ok(Trouble {
                rule: column(&row, 1)?,
                session: nullable(&row, 2)?,
                lies_ahead: column(&row, 3)?,
            })
        })
        .collect()
    })
}

/// Notes a failure, of the rule as a whole where there is no session.
pub fn note(rule: &str, session: Option<Uuid>, sqlstate: &str) -> Result<()> {
    let arguments = [session.into(), rule.into(), sqlstate.into()];
    spi::execute(&NOTE, &arguments).map(|_| ())
}

/// Forgets failures of streams that a rule has passed now, or of the rule as a whole.
pub fn clear(rule: &str, sessions: Option<Vec<Uuid>>) -> Result<()> {
    spi::execute(&CLEAR, &[sessions.into(), rule.into()]).map(|_| ())
}

pub fn clear_old() -> Result<()> {
    spi::execute(&CLEAR_OLD, &[]).map(|_| ())
}
