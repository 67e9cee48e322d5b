//! The lists of a stream's decisions and of its restrictions in force.

use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::limits;
use crate::moderation::decision::Moderation;
use crate::postgres::caller::{self, Caller};
use crate::postgres::error::{Result, answer, required};
use crate::postgres::spi::{self, column, nullable, statements};

statements! {
    LOG: Read [UUIDOID, INT8OID, INT4OID]
        "select l.id, l.session_id, l.seq, l.action, l.actor, l.user_id, l.target_seq, l.reason,
             l.until, l.term, l.created_at
         from stream.moderation_log as l
         where l.session_id is not distinct from $1 and ($2 is null or l.id < $2)
         order by l.id desc limit $3";

    /// The page size counts users, so that no user is split between two pages.
    RESTRICTIONS: Read [UUIDOID, UUIDOID, INT4OID]
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
    session_id: Option<Uuid>,
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
    TableIterator::new(answer(log(session_id, before_id, page_size)))
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
    TableIterator::new(answer(restrictions(session_id, after, page_size)))
}

/// Admits moderators of the stream; for decisions about all streams (null) the service alone.
pub fn require_reader(session_id: Option<Uuid>) -> Result<()> {
    let caller = caller::enter()?;
    match session_id {
        Some(session) => Moderation::look_to_read(caller, session)?.require_moderator(),
        None if caller == Caller::Service => Ok(()),
        None => Err(ErrorCode::NotModerator.into()),
    }
}

type LogRow = (
    i64,
    Option<Uuid>,
    Option<i64>,
    String,
    Option<Uuid>,
    Option<Uuid>,
    Option<i64>,
    Option<String>,
    Option<TimestampWithTimeZone>,
    Option<String>,
    TimestampWithTimeZone,
);

fn log(
    session_id: Option<Uuid>,
    before_id: Option<i64>,
    page_size: Option<i32>,
) -> Result<Vec<LogRow>> {
    require_reader(session_id)?;
    let page_size = limits::page_size(page_size)?;
    let arguments: [DatumWithOid<'_>; 3] = [session_id.into(), before_id.into(), page_size.into()];
    spi::run(&LOG, &arguments, |rows| {
        rows.map(|row| {
            Ok((
                column(&row, 1)?,
                nullable(&row, 2)?,
                nullable(&row, 3)?,
                column(&row, 4)?,
                nullable(&row, 5)?,
                nullable(&row, 6)?,
                nullable(&row, 7)?,
                nullable(&row, 8)?,
                nullable(&row, 9)?,
                nullable(&row, 10)?,
                column(&row, 11)?,
            ))
        })
        .collect()
    })
}

type RestrictionRow = (
    Uuid,
    String,
    Option<TimestampWithTimeZone>,
    Option<Uuid>,
    Option<String>,
    TimestampWithTimeZone,
);

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
    spi::run(&RESTRICTIONS, &arguments, |rows| {
        rows.map(|row| {
            Ok((
                column(&row, 1)?,
                column(&row, 2)?,
                nullable(&row, 3)?,
                nullable(&row, 4)?,
                nullable(&row, 5)?,
                column(&row, 6)?,
            ))
        })
        .collect()
    })
}
