//! Recorded failures of the regular work, and when each is tried again: table `stream.troubles`.

use std::time::Duration;

use pgrx::datum::Uuid;
use pgrx::prelude::*;

use crate::postgres::column::columns;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};
use crate::postgres::transaction::{Fault, Scope};

statements! {
    /// No attempt is further ahead than the longest pause of `NOTE`, unless the clock was set back: then it is due.
    LOAD: Write [] -> Trouble,
        "select t.rule, t.session_id as session,
             t.next_attempt_at > clock_timestamp() and t.next_attempt_at <= clock_timestamp() + interval '300 seconds'
                 as lies_ahead
         from stream.troubles as t
         order by t.next_attempt_at desc limit 10000";

    /// 1 s after the first failure, twice as long after each further one, at most 5 minutes; for a rule
    /// that fails as a whole at most 8 s, since all streams wait for it and it fails once in that time.
    /// Returns how often it has failed.
    NOTE: Write [UUIDOID, TEXTOID, TEXTOID] -> i32,
        "insert into stream.troubles as t (session_id, rule, sqlstate, since, attempts, next_attempt_at)
         values ($1, $2, $3, clock_timestamp(), 1, clock_timestamp() + interval '1 second')
         on conflict (session_id, rule) do update
         set sqlstate = excluded.sqlstate,
             attempts = t.attempts + 1,
             next_attempt_at = clock_timestamp()
                 + least(case when t.session_id is null then 8 else 300 end, power(2, least(t.attempts, 10))) * interval '1 second'
         returning t.attempts";

    CLEAR: Write [UUIDARRAYOID, TEXTOID]
        "delete from stream.troubles as t
         where t.rule = $2 and (t.session_id = any ($1) or $1 is null and t.session_id is null)";

    /// Due entries are tried within a round, so older ones are of no use.
    CLEAR_OLD: Write []
        "delete from stream.troubles as t
         where t.next_attempt_at < clock_timestamp() - interval '10 minutes'";
}

columns! {
    /// A failure of a rule for a stream, or as a whole.
    #[derive(Clone)]
    pub struct Trouble {
        pub rule: String,
        pub session: Option<Uuid>,
        /// Whether the next attempt lies ahead.
        pub lies_ahead: bool,
    }
}

pub fn load() -> Result<Vec<Trouble>> {
    spi::all(&LOAD, &[])
}

/// Records a failure, of the rule as a whole where there is no session, and runs `beside` in the same transaction.
/// A new failure is logged, without the error's text, which may quote rows.
pub fn report(
    scope: Scope,
    at_most: Duration,
    rule: &str,
    session: Option<Uuid>,
    fault: &Fault,
    beside: impl FnOnce() -> Result<()>,
) {
    let sqlstate = fault.sqlstate.as_str();
    // If the row is locked, this waits once and goes on.
    let attempts = scope.run(at_most, || {
        let arguments = [session.into(), rule.into(), sqlstate.into()];
        let attempts = spi::first(&NOTE, &arguments)?;
        beside()?;
        Ok(attempts.unwrap_or(1))
    });
    if attempts.as_ref().is_ok_and(|attempts| *attempts > 1) {
        return;
    }
    let stream = session.map_or_else(String::new, |session| format!(" of stream {session}"));
    let cause = match (&attempts, fault.took_too_long) {
        (Err(_), _) => ", which could not be noted",
        (Ok(_), true) => ", it took too long",
        (Ok(_), false) => "",
    };
    log!(
        "pg_stream_ext: the regular work {rule}{stream} failed with SQLSTATE {sqlstate}{cause}; see stream.doctor()"
    );
}

/// Deletes the failures of streams that a rule has now handled, or of the rule as a whole.
pub fn clear(rule: &str, sessions: Option<Vec<Uuid>>) -> Result<()> {
    spi::execute(&CLEAR, &[sessions.into(), rule.into()]).map(|_| ())
}

pub fn clear_old() -> Result<()> {
    spi::execute(&CLEAR_OLD, &[]).map(|_| ())
}
