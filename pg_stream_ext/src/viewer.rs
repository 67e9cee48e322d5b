//! Who watches a stream?
//!
//! The count is derived by counting places under the session's row lock, never by adding one.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::agora::viewer_uid;
use stream_core::error::ErrorCode;

use crate::caller;
use crate::error::{Failure, Result, answer, required};
use crate::spi::{self, column, statements};

/// 2^31 uids and at most some ten thousand viewers: even one second try is rare.
const UID_ATTEMPTS: u32 = 16;

statements! {
    /// The viewer's right is read before the lock, the state after it.
    LOCK_SESSION: Write [UUIDOID, UUIDOID]
        "select s.state, s.seller_id, coalesce(stream.hook_can_view($2, s.id), false)
         from stream.stream_sessions as s where s.id = $1 for no key update";

    REJOIN: Write [UUIDOID, UUIDOID]
        "update stream.stream_viewers
         set join_no = join_no + 1, is_active = true, left_at = null,
             joined_at = case when is_active then joined_at else now() end
         where session_id = $1 and user_id = $2
         returning agora_uid, join_no, joined_at";

    JOIN: Write [UUIDOID, UUIDOID, INT4OID]
        "insert into stream.stream_viewers (session_id, user_id, agora_uid) values ($1, $2, $3)
         on conflict do nothing
         returning agora_uid, join_no, joined_at";

    LOCK_PLACE: Write [UUIDOID, UUIDOID]
        "select v.is_active, v.join_no from stream.stream_viewers as v
         where v.session_id = $1 and v.user_id = $2 for no key update";

    LEAVE: Write [UUIDOID, UUIDOID]
        "update stream.stream_viewers set is_active = false, left_at = now()
         where session_id = $1 and user_id = $2";

    RECOUNT: Write [UUIDOID]
        "update stream.stream_sessions as s
         set viewer_count = counted.active,
             peak_viewer_count = greatest(s.peak_viewer_count, counted.active)
         from (
             select count(*)::integer as active from stream.stream_viewers as v
             where v.session_id = $1 and v.is_active
         ) as counted
         where s.id = $1
         returning s.viewer_count";

    COUNT: Read [UUIDOID, UUIDOID]
        "select
             $2 is null or s.seller_id = $2 or coalesce(stream.hook_can_view($2, s.id), false),
             (select count(*)::integer from stream.stream_viewers as v
              where v.session_id = s.id and v.is_active)
         from stream.stream_sessions as s where s.id = $1";
}

struct Place {
    agora_uid: i32,
    join_no: i32,
    joined_at: TimestampWithTimeZone,
}

type Lease = (
    name!(session_id, Uuid),
    name!(user_id, Uuid),
    name!(agora_uid, i32),
    name!(join_no, i32),
    name!(joined_at, TimestampWithTimeZone),
    name!(viewer_count, i32),
);

#[pg_extern]
fn add_viewer(
    session_id: Option<Uuid>,
    buyer_id: Option<Uuid>,
) -> TableIterator<
    'static,
    (
        name!(session_id, Uuid),
        name!(user_id, Uuid),
        name!(agora_uid, i32),
        name!(join_no, i32),
        name!(joined_at, TimestampWithTimeZone),
        name!(viewer_count, i32),
    ),
> {
    TableIterator::once(answer(join(session_id, buyer_id)))
}

#[pg_extern]
fn remove_viewer(
    session_id: Option<Uuid>,
    buyer_id: Option<Uuid>,
    join_no: Option<i32>,
) -> &'static str {
    answer(leave(session_id, buyer_id, join_no))
}

#[pg_extern(stable)]
fn get_viewer_count(session_id: Option<Uuid>) -> i32 {
    answer(count(session_id))
}

fn join(session_id: Option<Uuid>, buyer_id: Option<Uuid>) -> Result<Lease> {
    let caller = caller::enter_to_write()?;
    let buyer = caller.act_for(buyer_id)?;
    let session = required(session_id, "session_id")?;
    let found = spi::first(&LOCK_SESSION, &[session.into(), buyer.into()], |row| {
        Ok((
            column::<String>(row, 1)?,
            column::<Uuid>(row, 2)?,
            column::<bool>(row, 3)?,
        ))
    })?;
    let (state, seller, can_view) = found.ok_or(ErrorCode::SessionNotFound)?;
    if seller == buyer {
        return Err(Failure::with_hint(
            ErrorCode::InvalidArgument,
            "the seller is not a viewer of their own stream",
        ));
    }
    if !can_view {
        return Err(ErrorCode::CannotView.into());
    }
    if state == "ended" {
        return Err(ErrorCode::StreamEnded.into());
    }
    let place = take_place(session, buyer)?;
    let viewer_count = recount(session)?;
    Ok((
        session,
        buyer,
        place.agora_uid,
        place.join_no,
        place.joined_at,
        viewer_count,
    ))
}

fn take_place(session: Uuid, buyer: Uuid) -> Result<Place> {
    let read = |row: &pgrx::spi::SpiHeapTupleData<'_>| {
        Ok(Place {
            agora_uid: column(row, 1)?,
            join_no: column(row, 2)?,
            joined_at: column(row, 3)?,
        })
    };
    if let Some(place) = spi::first(&REJOIN, &[session.into(), buyer.into()], read)? {
        return Ok(place);
    }
    for attempt in 0..UID_ATTEMPTS {
        let uid = viewer_uid(session.as_bytes(), buyer.as_bytes(), attempt);
        let uid = i32::try_from(uid).map_err(|_| Failure::Row("a uid above 2^31-1"))?;
        let place = spi::first(&JOIN, &[session.into(), buyer.into(), uid.into()], read)?;
        if let Some(place) = place {
            return Ok(place);
        }
    }
    Err(Failure::Row("no free Agora uid"))
}

fn leave(
    session_id: Option<Uuid>,
    buyer_id: Option<Uuid>,
    join_no: Option<i32>,
) -> Result<&'static str> {
    let caller = caller::enter_to_write()?;
    let buyer = caller.act_for(buyer_id)?;
    let session = required(session_id, "session_id")?;
    spi::first(&LOCK_SESSION, &[session.into(), buyer.into()], |_| Ok(()))?
        .ok_or(ErrorCode::SessionNotFound)?;
    let place = spi::first(&LOCK_PLACE, &[session.into(), buyer.into()], |row| {
        Ok((column::<bool>(row, 1)?, column::<i32>(row, 2)?))
    })?;
    match place {
        None | Some((false, _)) => Ok("not_joined"),
        Some((true, newest)) if join_no.is_some_and(|join_no| join_no != newest) => {
            Ok("superseded")
        }
        Some((true, _)) => {
            spi::execute(&LEAVE, &[session.into(), buyer.into()])?;
            recount(session)?;
            Ok("removed")
        }
    }
}

fn recount(session: Uuid) -> Result<i32> {
    spi::first(&RECOUNT, &[session.into()], |row| column(row, 1))?
        .ok_or(Failure::Row("the locked session is gone"))
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
