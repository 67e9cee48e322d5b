//! Joining and leaving a stream.
//!
//! Joins never wait for each other: they share the session's row lock and only add rows. A user who joins in a
//! loop adds a bounded number: a lease that holds is updated (HOT, without an index entry), and a lease has at most
//! one pending row in `viewer_changes`, by which `tick` counts.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::agora::viewer_uid;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;

use crate::moderation::active_restrictions;
use crate::postgres::caller::{self, Admitted};
use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::postgres::spi::{self, statements};
use crate::stream::gate;
use crate::stream::watch_time::watched_ms;

/// How many uids are tried. With 2^31 uids and some ten thousand viewers even a second try is rare.
const UID_ATTEMPTS: u32 = 16;

/// Begins a statement on lease ($1, $2): CTE `change` holds the id of a new row of `viewer_changes`, or is empty when
/// none is needed. It is part of the statement that writes the lease, because a second update would check its foreign
/// keys again and wait for a user who is being deleted.
///
/// No row is added while the lease's older one is pending. That one is locked until this transaction ends;
/// `tick` skips locked rows, and counts in a later statement than the one that takes the rows, so it counts this
/// change too. A row that `tick` is just taking cannot be locked; then a new one is added.
macro_rules! with_change {
    ($when:literal) => {
        concat!(
            "with waiting as (
                 select c.id from stream.viewer_changes as c
                 where c.id = (
                     select v.change_id from stream.stream_viewers as v
                     where v.session_id = $1 and v.user_id = $2)
                     and c.session_id = $1
                 for key share skip locked
             ), change as (
                 insert into stream.viewer_changes (session_id)
                 select $1 where ",
            $when,
            " and not exists (select from waiting)
                 returning id
             ) "
        )
    };
}

statements! {
    /// Shared with other joins; conflicts with every change of the state.
    LOCK_SESSION: Write [UUIDOID] -> LockedStream,
        "select s.state, s.seller_id from stream.stream_sessions as s where s.id = $1 for share";

    CAN_VIEW: Write [UUIDOID, UUIDOID, UUIDOID] -> bool,
        "select stream_private.can_view($1, $2, $3)";

    LOCK_LEASE: Write [UUIDOID, UUIDOID] -> LockedLease,
        "select v.is_active, v.join_no from stream.stream_viewers as v
         where v.session_id = $1 and v.user_id = $2 for no key update";

    /// $3: whether the number of viewers may change. For a lease that holds `lease_check_at` stays as it is: the sweep
    /// then checks too early and sets it anew.
    REJOIN: Write [UUIDOID, UUIDOID, BOOLOID] -> Lease,
        concat!(with_change!("$3"), "update stream.stream_viewers as v
         set join_no = v.join_no + 1, left_at = null,
             joined_at = case when v.is_active then v.joined_at else now() end,
             last_seen_at = now(), background_since = null,
             lease_check_at = case when v.is_active then v.lease_check_at
                                   else now() + c.lease_s * interval '1 second' end,
             change_id = coalesce((select n.id from change as n), v.change_id)
         from stream.config as c
         where v.session_id = $1 and v.user_id = $2
         returning v.agora_uid::integer as agora_uid, v.join_no, v.joined_at");

    JOIN: Write [UUIDOID, UUIDOID, INT4OID] -> Lease,
        "with change as (
             insert into stream.viewer_changes (session_id) values ($1) returning id
         )
         insert into stream.stream_viewers (session_id, user_id, agora_uid, lease_check_at, change_id)
         select $1, $2, $3, now() + c.lease_s * interval '1 second', n.id
         from stream.config as c cross join change as n
         on conflict do nothing
         returning agora_uid::integer as agora_uid, join_no, joined_at";

    LEAVE: Write [UUIDOID, UUIDOID]
        concat!(
            with_change!("true"),
            "update stream.stream_viewers as v
             set left_at = now(), watch_ms = v.watch_ms + ", watched_ms!("now()"), ",
                 change_id = coalesce((select n.id from change as n), v.change_id)
             where session_id = $1 and user_id = $2"
        );
}

columns! {
    struct LockedStream {
        state: StreamState,
        seller_id: Uuid,
    }

    struct LockedLease {
        is_active: bool,
        join_no: i32,
    }

    /// A viewer's lease, locked by this transaction.
    pub struct Lease {
        pub agora_uid: i32,
        pub join_no: i32,
        pub joined_at: TimestampWithTimeZone,
    }
}

#[pg_extern]
fn add_viewer(
    session_id: Option<Uuid>,
    buyer_id: Option<Uuid>,
) -> TableIterator<
    'static,
    (
        name!(user_id, Uuid),
        name!(agora_uid, i32),
        name!(join_no, i32),
        name!(joined_at, TimestampWithTimeZone),
    ),
> {
    let (user, lease) = or_raise(join(session_id, buyer_id));
    TableIterator::once((user, lease.agora_uid, lease.join_no, lease.joined_at))
}

#[pg_extern]
fn remove_viewer(
    session_id: Option<Uuid>,
    buyer_id: Option<Uuid>,
    join_no: Option<i32>,
) -> &'static str {
    or_raise(leave(session_id, buyer_id, join_no))
}

fn join(session_id: Option<Uuid>, buyer_id: Option<Uuid>) -> Result<(Uuid, Lease)> {
    let caller = caller::enter_to_write()?;
    let buyer = caller.act_for(buyer_id)?;
    let session = required(session_id, "session_id")?;
    Ok((buyer, join_as(caller.admitted(), buyer, session)?))
}

/// Joins for a user whose row is locked.
pub fn join_as(admitted: Admitted, buyer: Uuid, session: Uuid) -> Result<Lease> {
    gate::pass(session)?;
    let LockedStream {
        state,
        seller_id: seller,
    } = spi::first(&LOCK_SESSION, &[session.into()])?.ok_or(ErrorCode::SessionNotFound)?;
    if seller == buyer {
        return Err(Failure::with_hint(
            ErrorCode::InvalidArgument,
            "the seller is not a viewer of their own stream",
        ));
    }
    let can_view = [buyer.into(), session.into(), seller.into()];
    if spi::first(&CAN_VIEW, &can_view)? != Some(true) {
        return Err(ErrorCode::CannotView.into());
    }
    // Read after the lock, so a ban committed meanwhile counts.
    if active_restrictions::in_force(admitted, session, buyer)?.is_banned {
        return Err(ErrorCode::Banned.into());
    }
    if state == StreamState::Ended {
        return Err(ErrorCode::StreamEnded.into());
    }
    take_lease(session, buyer)
}

fn take_lease(session: Uuid, buyer: Uuid) -> Result<Lease> {
    let key = [session.into(), buyer.into()];
    if let Some(lease) = spi::first(&LOCK_LEASE, &key)? {
        return rejoin(session, buyer, !lease.is_active)?
            .ok_or(Failure::Row("the locked viewer is gone"));
    }
    for attempt in 0..UID_ATTEMPTS {
        let uid = viewer_uid(session.as_bytes(), buyer.as_bytes(), attempt);
        let uid = i32::try_from(uid).map_err(|_| Failure::Row("a uid above 2^31-1"))?;
        if let Some(lease) = spi::first(&JOIN, &[session.into(), buyer.into(), uid.into()])? {
            return Ok(lease);
        }
        // Either the uid is taken, or the same user joined from another device meanwhile.
        if let Some(lease) = rejoin(session, buyer, true)? {
            return Ok(lease);
        }
    }
    Err(Failure::Row("no free Agora uid"))
}

fn rejoin(session: Uuid, buyer: Uuid, changes_count: bool) -> Result<Option<Lease>> {
    let arguments = [session.into(), buyer.into(), changes_count.into()];
    spi::first(&REJOIN, &arguments)
}

fn leave(
    session_id: Option<Uuid>,
    buyer_id: Option<Uuid>,
    join_no: Option<i32>,
) -> Result<&'static str> {
    let caller = caller::enter_to_write()?;
    let buyer = caller.resolve_user(buyer_id)?;
    let session = required(session_id, "session_id")?;
    let lease = spi::first(&LOCK_LEASE, &[session.into(), buyer.into()])?;
    match lease.map(|lease| (lease.is_active, lease.join_no)) {
        None => {
            require_session(session)?;
            Ok("not_joined")
        }
        Some((false, _)) => Ok("not_joined"),
        Some((true, newest)) if join_no.is_some_and(|join_no| join_no != newest) => {
            Ok("superseded")
        }
        Some((true, _)) => {
            spi::execute(&LEAVE, &[session.into(), buyer.into()])?;
            Ok("removed")
        }
    }
}

fn require_session(session: Uuid) -> Result<()> {
    let stream = spi::first(&LOCK_SESSION, &[session.into()])?;
    stream
        .map(|_| ())
        .ok_or_else(|| ErrorCode::SessionNotFound.into())
}
