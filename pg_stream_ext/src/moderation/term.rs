//! Blocked terms: words that no message may contain.
//!
//! A term is blocked in one stream or, by the service alone, in all of them. Viewers cannot read the terms.

use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::blocked_term;
use stream_core::error::ErrorCode;

use crate::moderation::decision::{Moderation, Record, insert_record, invalid};
use crate::moderation::moderator_lock;
use crate::postgres::caller;
use crate::postgres::column::columns;
use crate::postgres::error::{Result, or_raise, required};
use crate::postgres::spi::{self, statements};

/// The most terms of a stream: every message is compared with each of them.
const MAX_TERMS: i64 = 500;

statements! {
    COUNT: Write [UUIDOID] -> i64,
        "select count(*) from stream.blocked_terms as t where t.session_id is not distinct from $1";

    IS_BLOCKED: Write [UUIDOID, TEXTOID] -> bool,
        "select true from stream.blocked_terms as t
         where t.session_id is not distinct from $1 and t.pattern = $2";

    BLOCK: Write [UUIDOID, TEXTOID, TEXTOID, UUIDOID]
        "insert into stream.blocked_terms (session_id, term, pattern, actor)
         values ($1, $2, $3, $4)";

    UNBLOCK: Write [UUIDOID, TEXTOID] -> String,
        "delete from stream.blocked_terms as t
         where t.session_id is not distinct from $1 and t.pattern = $2
         returning t.term";

    LIST: Write [UUIDOID] -> Term,
        "select t.session_id, t.term, t.actor, t.created_at from stream.blocked_terms as t
         where t.session_id is not distinct from $1 order by t.created_at, t.term";
}

/// Null session: all streams.
#[pg_extern]
fn block_term(session_id: Option<Uuid>, term: Option<&str>) -> &'static str {
    or_raise(block(session_id, term))
}

#[pg_extern]
fn unblock_term(session_id: Option<Uuid>, term: Option<&str>) -> &'static str {
    or_raise(unblock(session_id, term))
}

#[pg_extern(stable)]
fn list_blocked_terms(
    of_session: Option<Uuid>,
) -> TableIterator<
    'static,
    (
        name!(session_id, Option<Uuid>),
        name!(term, String),
        name!(actor, Option<Uuid>),
        name!(created_at, TimestampWithTimeZone),
    ),
> {
    TableIterator::new(or_raise(list(of_session)).into_iter().map(Into::into))
}

/// Admits the moderator and waits until nobody else moderates there; returns the actor.
fn begin(session_id: Option<Uuid>) -> Result<Option<Uuid>> {
    if session_id.is_some() {
        return Ok(Moderation::begin_live(session_id)?.actor);
    }
    if !caller::enter_to_write()?.is_service() {
        return Err(ErrorCode::NotModerator.into());
    }
    moderator_lock::take(None)?;
    Ok(None)
}

fn block(session_id: Option<Uuid>, term: Option<&str>) -> Result<&'static str> {
    let actor = begin(session_id)?;
    let term = required(term, "term")?.trim();
    let pattern = pattern(term)?;
    let key: [DatumWithOid<'_>; 2] = [session_id.into(), pattern.as_str().into()];
    if spi::first(&IS_BLOCKED, &key)?.is_some() {
        return Ok("already_blocked");
    }
    let count: Option<i64> = spi::first(&COUNT, &[session_id.into()])?;
    if count >= Some(MAX_TERMS) {
        return Err(invalid(format!("at most {MAX_TERMS} terms are blocked")));
    }
    let row: [DatumWithOid<'_>; 4] = [
        session_id.into(),
        term.into(),
        pattern.as_str().into(),
        actor.into(),
    ];
    spi::execute(&BLOCK, &row)?;
    let record = Record {
        term: Some(term),
        ..Record::default()
    };
    insert_record(session_id, actor, "term_blocked", record)?;
    Ok("blocked")
}

fn unblock(session_id: Option<Uuid>, term: Option<&str>) -> Result<&'static str> {
    let actor = begin(session_id)?;
    let pattern = pattern(required(term, "term")?.trim())?;
    let key: [DatumWithOid<'_>; 2] = [session_id.into(), pattern.as_str().into()];
    let Some(term) = spi::first(&UNBLOCK, &key)? else {
        return Ok("not_blocked");
    };
    let record = Record {
        term: Some(&term),
        ..Record::default()
    };
    insert_record(session_id, actor, "term_unblocked", record)?;
    Ok("unblocked")
}

columns! {
    struct Term {
        session_id: Option<Uuid>,
        term: String,
        actor: Option<Uuid>,
        created_at: TimestampWithTimeZone,
    }
}

fn list(session_id: Option<Uuid>) -> Result<Vec<Term>> {
    crate::moderation::listing::require_reader(session_id)?;
    spi::all(&LIST, &[session_id.into()])
}

fn pattern(term: &str) -> Result<String> {
    blocked_term::pattern(term).ok_or_else(|| {
        invalid(format!(
            "a term has a letter or digit and at most {} characters",
            blocked_term::MAX_TERM_CHARS
        ))
    })
}
