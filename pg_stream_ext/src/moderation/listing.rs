//! The lists of a stream's decisions and of its restrictions in force.

use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::limits;
use crate::moderation::decision::Moderation;
use crate::postgres::caller;
use crate::postgres::column::columns;
use crate::postgres::error::{Result, or_raise, required};
use crate::postgres::spi::{self, statements};

statements! {
    LOG: Read [UUIDOID, INT8OID, INT4OID] -> LogRow,
        "select l.id, l.session_id, l.seq, l.action, l.actor, l.user_id, l.target_seq, l.reason,
             l.until, l.term, l.created_at
         from stream.moderation_log as l
         where l.session_id is not distinct from $1 and ($2 is null or l.id < $2)
         order by l.id desc limit $3";

    /// The page size counts users, so that no user is split between two pages.
    RESTRICTIONS: Read [UUIDOID, UUIDOID, INT4OID] -> RestrictionRow,
        "with users as (
             select distinct r.user_id from stream_private.restrictions as r
             where r.session_id = $1 and ($2 is null or r.user_id > $2) and r.is_in_force
             order by r.user_id limit $3
         )
         select r.user_id, r.kind, r.until, r.actor, r.reason, r.created_at
         from users as u
         join stream_private.restrictions as r on r.session_id = $1 and r.user_id = u.user_id
         where r.is_in_force
         order by r.user_id, r.kind";
}

#[pg_extern(stable)]
#[expect(
    clippy::type_complexity,
    reason = "pgrx reads the column names from the literal type"
)]
fn get_moderation_log(
    of_session: Option<Uuid>,
    before_id: Option<i64>,
    page_size: Option<i32>,
) -> TableIterator<
    'static,
    (
        name!(id, i64),
        name!(session_id, Option<Uuid>),
        name!(seq, Option<i64>),
        name!(action, String),
        name!(actor, Option<Uuid>),
        name!(user_id, Option<Uuid>),
        name!(target_seq, Option<i64>),
        name!(reason, Option<String>),
        name!(until, Option<TimestampWithTimeZone>),
        name!(term, Option<String>),
        name!(created_at, TimestampWithTimeZone),
    ),
> {
    let rows = or_raise(log(of_session, before_id, page_size));
    TableIterator::new(rows.into_iter().map(Into::into))
}

#[pg_extern(stable)]
#[expect(
    clippy::type_complexity,
    reason = "pgrx reads the column names from the literal type"
)]
fn list_restrictions(
    session_id: Option<Uuid>,
    after: Option<Uuid>,
    page_size: Option<i32>,
) -> TableIterator<
    'static,
    (
        name!(user_id, Uuid),
        name!(kind, String),
        name!(until, Option<TimestampWithTimeZone>),
        name!(actor, Option<Uuid>),
        name!(reason, Option<String>),
        name!(created_at, TimestampWithTimeZone),
    ),
> {
    let rows = or_raise(restrictions(session_id, after, page_size));
    TableIterator::new(rows.into_iter().map(Into::into))
}

/// Admits moderators of the stream; for decisions about all streams (null) the service alone.
pub fn require_reader(session_id: Option<Uuid>) -> Result<()> {
    let caller = caller::enter()?;
    match session_id {
        Some(session) => Moderation::look_to_read(caller, session)?.require_moderator(),
        None if caller.is_service() => Ok(()),
        None => Err(ErrorCode::NotModerator.into()),
    }
}

columns! {
    struct LogRow {
        id: i64,
        session_id: Option<Uuid>,
        seq: Option<i64>,
        action: String,
        actor: Option<Uuid>,
        user_id: Option<Uuid>,
        target_seq: Option<i64>,
        reason: Option<String>,
        until: Option<TimestampWithTimeZone>,
        term: Option<String>,
        created_at: TimestampWithTimeZone,
    }

    struct RestrictionRow {
        user_id: Uuid,
        kind: String,
        until: Option<TimestampWithTimeZone>,
        actor: Option<Uuid>,
        reason: Option<String>,
        created_at: TimestampWithTimeZone,
    }
}

fn log(
    session_id: Option<Uuid>,
    before_id: Option<i64>,
    page_size: Option<i32>,
) -> Result<Vec<LogRow>> {
    require_reader(session_id)?;
    let page_size = limits::page_size(page_size)?;
    let arguments: [DatumWithOid<'_>; 3] = [session_id.into(), before_id.into(), page_size.into()];
    spi::all(&LOG, &arguments)
}

fn restrictions(
    session_id: Option<Uuid>,
    after: Option<Uuid>,
    page_size: Option<i32>,
) -> Result<Vec<RestrictionRow>> {
    caller::enter()?;
    let session = required(session_id, "session_id")?;
    require_reader(Some(session))?;
    let page_size = limits::page_size(page_size)?;
    let arguments: [DatumWithOid<'_>; 3] = [session.into(), after.into(), page_size.into()];
    spi::all(&RESTRICTIONS, &arguments)
}
