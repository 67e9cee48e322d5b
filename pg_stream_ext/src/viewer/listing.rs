//! The number and the list of a stream's viewers, from the leases that hold.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::limits;
use crate::postgres::caller::{self, Caller};
use crate::postgres::error::{Result, answer, required};
use crate::postgres::spi::{self, column, nullable, statements};

statements! {
    COUNT: Read [UUIDOID, UUIDOID]
        "select stream_private.can_view($2, s.id, s.seller_id),
             (select count(*)::integer from stream_private.leases as v
              where v.session_id = s.id and v.holds)
         from stream.stream_sessions as s
         where s.id = $1";

    LIST: Read [UUIDOID, UUIDOID, UUIDOID, INT4OID]
        "select $2 is null or s.seller_id = $2,
             v.user_id, v.agora_uid::integer, v.joined_at, v.last_seen_at, v.foreground, v.watched_ms
         from stream.stream_sessions as s
         left join lateral (
             select * from stream_private.leases as v
             where v.session_id = s.id and v.holds
                 and ($3 is null or v.user_id > $3)
             order by v.user_id
             limit $4
         ) as v on $2 is null or s.seller_id = $2
         where s.id = $1
         order by v.user_id";
}

#[pg_extern(stable)]
fn get_viewer_count(session_id: Option<Uuid>) -> i32 {
    answer(count(session_id))
}

#[pg_extern(stable)]
fn get_viewers(
    session_id: Option<Uuid>,
    after: Option<Uuid>,
    page_size: Option<i32>,
) -> TableIterator<
    'static,
    (
        name!(user_id, Uuid),
        name!(agora_uid, i32),
        name!(joined_at, TimestampWithTimeZone),
        name!(last_seen_at, TimestampWithTimeZone),
        name!(foreground, bool),
        name!(watch_ms, i64),
    ),
> {
    TableIterator::new(answer(list(session_id, after, page_size)))
}

fn count(session_id: Option<Uuid>) -> Result<i32> {
    let caller = caller::enter()?;
    let session = required(session_id, "session_id")?;
    let found = spi::first(&COUNT, &[session.into(), caller.user_id().into()], |row| {
        Ok((column::<bool>(row, 1)?, column::<i32>(row, 2)?))
    })?;
    match found {
        None => Err(ErrorCode::SessionNotFound.into()),
        Some((false, _)) => Err(ErrorCode::CannotView.into()),
        Some((true, count)) => Ok(count),
    }
}

type Viewer = (
    Uuid,
    i32,
    TimestampWithTimeZone,
    TimestampWithTimeZone,
    bool,
    i64,
);

fn list(
    session_id: Option<Uuid>,
    after: Option<Uuid>,
    page_size: Option<i32>,
) -> Result<Vec<Viewer>> {
    let caller: Caller = caller::enter()?;
    let session = required(session_id, "session_id")?;
    let page_size = limits::page_size(page_size)?;
    let arguments = [
        session.into(),
        caller.user_id().into(),
        after.into(),
        page_size.into(),
    ];
    spi::run(&LIST, &arguments, |rows| {
        if rows.is_empty() {
            return Err(ErrorCode::SessionNotFound.into());
        }
        let mut page = Vec::with_capacity(rows.len());
        for row in rows {
            if !column::<bool>(&row, 1)? {
                return Err(ErrorCode::NotStreamOwner.into());
            }
            if let Some(user) = nullable(&row, 2)? {
                page.push((
                    user,
                    column(&row, 3)?,
                    column(&row, 4)?,
                    column(&row, 5)?,
                    column(&row, 6)?,
                    column(&row, 7)?,
                ));
            }
        }
        Ok(page)
    })
}
