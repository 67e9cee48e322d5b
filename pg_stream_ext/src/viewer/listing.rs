//! The number and the list of a stream's viewers, from the leases that hold.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::limits;
use crate::postgres::caller::{self, Caller};
use crate::postgres::column::{LeftJoined, columns};
use crate::postgres::error::{Result, or_raise, required};
use crate::postgres::spi::{self, statements};

statements! {
    COUNT: Read [UUIDOID, UUIDOID] -> Count,
        "select stream_private.can_view($2, s.id, s.seller_id) as can_view,
             (select count(*)::integer from stream_private.leases as v
              where v.session_id = s.id and v.holds) as viewer_count
         from stream.stream_sessions as s
         where s.id = $1";

    LIST: Read [UUIDOID, UUIDOID, UUIDOID, INT4OID] -> Page,
        "select $2 is null or s.seller_id = $2 as may_list,
             v.user_id, v.agora_uid::integer as agora_uid, v.joined_at, v.last_seen_at, v.foreground, v.watched_ms
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

columns! {
    struct Count {
        can_view: bool,
        viewer_count: i32,
    }

    struct Page {
        may_list: bool,
        viewer: LeftJoined<Viewer>,
    }

    struct Viewer {
        user_id: Uuid,
        agora_uid: i32,
        joined_at: TimestampWithTimeZone,
        last_seen_at: TimestampWithTimeZone,
        foreground: bool,
        watched_ms: i64,
    }
}

#[pg_extern(stable)]
fn get_viewer_count(session_id: Option<Uuid>) -> i32 {
    or_raise(count(session_id))
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
    let viewers = or_raise(list(session_id, after, page_size));
    TableIterator::new(viewers.into_iter().map(Into::into))
}

fn count(session_id: Option<Uuid>) -> Result<i32> {
    let caller = caller::enter()?;
    let session = required(session_id, "session_id")?;
    let count = spi::first(&COUNT, &[session.into(), caller.user_id().into()])?;
    match count {
        None => Err(ErrorCode::SessionNotFound.into()),
        Some(count) if !count.can_view => Err(ErrorCode::CannotView.into()),
        Some(count) => Ok(count.viewer_count),
    }
}

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
    let rows = spi::all(&LIST, &arguments)?;
    match rows.first() {
        None => Err(ErrorCode::SessionNotFound.into()),
        Some(first) if !first.may_list => Err(ErrorCode::NotStreamOwner.into()),
        Some(_) => Ok(rows.into_iter().filter_map(|row| row.viewer.0).collect()),
    }
}
