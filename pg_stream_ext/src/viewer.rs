//! Who watches a stream?
//!
//! Joins never wait for each other: they share the session's row lock and only add rows. `tick`
//! counts the leases of the sessions that changed.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use pgrx::spi::SpiHeapTupleData;
use stream_core::agora::viewer_uid;
use stream_core::error::ErrorCode;

use crate::caller::{self, Caller};
use crate::error::{Failure, Result, answer, required};
use crate::gate;
use crate::spi::{self, column, nullable, statements};

/// 2^31 uids and at most some ten thousand viewers: even one second try is rare.
const UID_ATTEMPTS: u32 = 16;

const MAX_PAGE: i32 = 200;

/// Milliseconds that viewer `v` has watched in the present lease, up to a moment.
macro_rules! watched_ms {
    ($until:literal) => {
        concat!(
            "greatest(0, (extract(epoch from ",
            $until,
            " - v.joined_at) * 1000)::bigint)"
        )
    };
}
pub(crate) use watched_ms;

/// The columns of `c` that [`lease_holds`] reads, from `stream.config` as `f`: once for all viewers.
macro_rules! lease_floors {
    () => {
        "now() - f.lease_s * interval '1 second' as lease_floor,
         now() - f.background_grace_s * interval '1 second' as background_floor"
    };
}
pub(crate) use lease_floors;

/// Whether the lease of viewer `v` is not over, by the rule of the sweep, which comes to it later.
macro_rules! lease_holds {
    () => {
        "v.last_seen_at > c.lease_floor
         and (v.background_since is null or v.background_since > c.background_floor)"
    };
}
pub(crate) use lease_holds;

statements! {
    /// Shared with other joins, exclusive with every move of the state.
    LOCK_SESSION: Write [UUIDOID]
        "select s.state, s.seller_id from stream.stream_sessions as s where s.id = $1 for share";

    /// Read after the lock, so that a ban committed meanwhile is seen.
    ADMISSION: Write [UUIDOID, UUIDOID]
        "select coalesce(stream.hook_can_view($2, $1), false),
             exists (
                 select from stream.chat_restrictions as r
                 where r.session_id = $1 and r.user_id = $2 and r.kind = 'ban'
                     and (r.until is null or r.until > now())
             )";

    LOCK_PLACE: Write [UUIDOID, UUIDOID]
        "select v.is_active, v.join_no from stream.stream_viewers as v
         where v.session_id = $1 and v.user_id = $2 for no key update";

    REJOIN: Write [UUIDOID, UUIDOID]
        "update stream.stream_viewers as v
         set join_no = v.join_no + 1, left_at = null,
             joined_at = case when v.is_active then v.joined_at else now() end,
             last_seen_at = now(), background_since = null,
             lease_check_at = now() + c.lease_s * interval '1 second'
         from stream.config as c
         where v.session_id = $1 and v.user_id = $2
         returning v.agora_uid::integer, v.join_no, v.joined_at";

    JOIN: Write [UUIDOID, UUIDOID, INT4OID]
        "insert into stream.stream_viewers (session_id, user_id, agora_uid, lease_check_at)
         select $1, $2, $3, now() + c.lease_s * interval '1 second' from stream.config as c
         on conflict do nothing
         returning agora_uid::integer, join_no, joined_at";

    LEAVE: Write [UUIDOID, UUIDOID]
        concat!(
            "update stream.stream_viewers as v
             set left_at = now(), watch_ms = v.watch_ms + ", watched_ms!("now()"), "
             where session_id = $1 and user_id = $2"
        );

    NOTE_CHANGE: Write [UUIDOID]
        "insert into stream.viewer_changes (session_id) values ($1)";

    COUNT: Read [UUIDOID, UUIDOID]
        concat!(
            "select
                 $2 is null or s.seller_id = $2 or coalesce(stream.hook_can_view($2, s.id), false),
                 (select count(*)::integer from stream.stream_viewers as v
                  where v.session_id = s.id and v.is_active and ", lease_holds!(), ")
             from stream.stream_sessions as s
             cross join (select ", lease_floors!(), " from stream.config as f limit 1) as c
             where s.id = $1"
        );

    LIST: Read [UUIDOID, UUIDOID, UUIDOID, INT4OID]
        concat!(
            "select $2 is null or s.seller_id = $2,
                 v.user_id, v.agora_uid::integer, v.joined_at, v.last_seen_at, v.foreground,
                 v.watch_ms + ", watched_ms!("now()"), "
             from stream.stream_sessions as s
             cross join (select ", lease_floors!(), " from stream.config as f limit 1) as c
             left join lateral (
                 select * from stream.stream_viewers as v
                 where v.session_id = s.id and v.is_active and ", lease_holds!(), "
                     and ($3 is null or v.user_id > $3)
                 order by v.user_id
                 limit $4
             ) as v on $2 is null or s.seller_id = $2
             where s.id = $1
             order by v.user_id"
        );
}

struct Place {
    agora_uid: i32,
    join_no: i32,
    joined_at: TimestampWithTimeZone,
}

impl Place {
    fn read(row: &SpiHeapTupleData<'_>) -> Result<Self> {
        Ok(Self {
            agora_uid: column(row, 1)?,
            join_no: column(row, 2)?,
            joined_at: column(row, 3)?,
        })
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
    let (user, place) = answer(join(session_id, buyer_id));
    TableIterator::once((user, place.agora_uid, place.join_no, place.joined_at))
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

fn join(session_id: Option<Uuid>, buyer_id: Option<Uuid>) -> Result<(Uuid, Place)> {
    let caller = caller::enter_to_write()?;
    let buyer = caller.act_for(buyer_id)?;
    let session = required(session_id, "session_id")?;
    gate::pass(session)?;
    let found = spi::first(&LOCK_SESSION, &[session.into()], |row| {
        Ok((column::<String>(row, 1)?, column::<Uuid>(row, 2)?))
    })?;
    let (state, seller) = found.ok_or(ErrorCode::SessionNotFound)?;
    if seller == buyer {
        return Err(Failure::with_hint(
            ErrorCode::InvalidArgument,
            "the seller is not a viewer of their own stream",
        ));
    }
    let (can_view, is_banned) = spi::first(&ADMISSION, &[session.into(), buyer.into()], |row| {
        Ok((column::<bool>(row, 1)?, column::<bool>(row, 2)?))
    })?
    .unwrap_or((false, false));
    if !can_view {
        return Err(ErrorCode::CannotView.into());
    }
    if is_banned {
        return Err(ErrorCode::Banned.into());
    }
    if state == "ended" {
        return Err(ErrorCode::StreamEnded.into());
    }
    Ok((buyer, take_place(session, buyer)?))
}

fn take_place(session: Uuid, buyer: Uuid) -> Result<Place> {
    let key = [session.into(), buyer.into()];
    let was_active = spi::first(&LOCK_PLACE, &key, |row| column::<bool>(row, 1))?;
    if was_active.is_some() {
        let place = spi::first(&REJOIN, &[session.into(), buyer.into()], Place::read)?
            .ok_or(Failure::Row("the locked viewer is gone"))?;
        if was_active == Some(false) {
            spi::execute(&NOTE_CHANGE, &[session.into()])?;
        }
        return Ok(place);
    }
    for attempt in 0..UID_ATTEMPTS {
        let uid = viewer_uid(session.as_bytes(), buyer.as_bytes(), attempt);
        let uid = i32::try_from(uid).map_err(|_| Failure::Row("a uid above 2^31-1"))?;
        if let Some(place) = spi::first(
            &JOIN,
            &[session.into(), buyer.into(), uid.into()],
            Place::read,
        )? {
            spi::execute(&NOTE_CHANGE, &[session.into()])?;
            return Ok(place);
        }
        // Either the uid is taken, or the same user joined from another device meanwhile.
        if let Some(place) = spi::first(&REJOIN, &[session.into(), buyer.into()], Place::read)? {
            spi::execute(&NOTE_CHANGE, &[session.into()])?;
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
    let buyer = caller.speak_of(buyer_id)?;
    let session = required(session_id, "session_id")?;
    let place = spi::first(&LOCK_PLACE, &[session.into(), buyer.into()], |row| {
        Ok((column::<bool>(row, 1)?, column::<i32>(row, 2)?))
    })?;
    match place {
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
            spi::execute(&NOTE_CHANGE, &[session.into()])?;
            Ok("removed")
        }
    }
}

fn require_session(session: Uuid) -> Result<()> {
    spi::first(&LOCK_SESSION, &[session.into()], |_| Ok(()))?
        .ok_or_else(|| ErrorCode::SessionNotFound.into())
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
    let page_size = required(page_size, "page_size")?;
    if !(1..=MAX_PAGE).contains(&page_size) {
        return Err(Failure::with_hint(
            ErrorCode::InvalidArgument,
            format!("page_size is 1 to {MAX_PAGE}"),
        ));
    }
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
