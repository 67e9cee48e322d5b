//! How does a device say that it is still there?
//!
//! A viewer's heartbeat prolongs the lease, the host's keeps the stream alive and brings it back
//! after a loss. It emits nothing by itself, so it need not wait for the disk.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;

use crate::caller;
use crate::commit::skip_waiting_for_the_disk;
use crate::epoch::epoch;
use crate::error::{Result, answer, required};
use crate::gate;
use crate::host::{Host, host_columns};
use crate::host_user;
use crate::lifecycle::{self, Beside, check_at};
use crate::moderation;
use crate::spi::{self, column, nullable, statements};
use crate::token;

statements! {
    /// The lease of a viewer; null join_no matches any. Going to the background brings the look at
    /// the lease forward, which is the only change that costs an index entry. A token is due in the last
    /// quarter of a life before the end of the one that is held, as the device says or else as noted;
    /// nobody holds one that ends after the newest.
    BEAT: Write [UUIDOID, UUIDOID, BOOLOID, INT4OID, TIMESTAMPTZOID]
        "update stream.stream_viewers as v
         set last_seen_at = now(),
             background_since = case when coalesce($3, v.foreground) then null
                                     else coalesce(v.background_since, now()) end,
             lease_check_at = case when v.foreground and not coalesce($3, v.foreground)
                 then least(v.lease_check_at, now() + c.background_grace_s * interval '1 second')
                 else v.lease_check_at end
         from stream.config as c
         where v.session_id = $1 and v.user_id = $2 and v.is_active
             and ($4 is null or v.join_no = $4)
         returning coalesce(
             least(coalesce($5, v.token_held_until), v.token_expires_at)
                     <= now() + 0.25 * (v.token_expires_at - v.token_issued_at)
                 and v.token_issued_at <= now() - interval '30 seconds',
             false)";

    /// What a token needs, which like the user's row is taken before the lease elsewhere: whoever
    /// holds it may be waiting for this lease, so the token comes with the next beat.
    LOCK_FREE_SESSION: Write [UUIDOID]
        "select true from stream.stream_sessions as s where s.id = $1 for share skip locked";

    /// Why a beat found no lease: whether another device holds it.
    HOLDS_LEASE: Write [UUIDOID, UUIDOID]
        "select true from stream.stream_viewers as v
         where v.session_id = $1 and v.user_id = $2 and v.is_active";

    IS_HOST: Write [UUIDOID, UUIDOID]
        "select true from stream.stream_sessions as s where s.id = $1 and s.seller_id = $2";

    HOST: Write [UUIDOID, UUIDOID]
        concat!(
            "select ", host_columns!(), ", s.auction_id
             from stream.stream_sessions as s
             where s.id = $1 and s.seller_id = $2 for no key update"
        );

    SEE_HOST: Write [UUIDOID]
        "update stream.stream_sessions set host_seen_at = now(), host_heartbeat_at = now()
         where id = $1";

    /// From now on the host is judged by heartbeats.
    SEE_HOST_FIRST: Write [UUIDOID]
        concat!(
            "update stream.stream_sessions as o
             set host_seen_at = s.host_seen_at, host_heartbeat_at = now(), check_at = ", check_at!(), "
             from (
                 select p.created_at, p.state, p.state_changed_at, p.reconnect_deadline, now() as host_seen_at
                 from stream.stream_sessions as p where p.id = $1
             ) as s
             cross join stream.config as c
             where o.id = $1"
        );

    SUMMARY: Write [UUIDOID]
        "select s.state, s.generation, c.epoch_salt, h.last_seq, s.viewer_count,
             s.reconnect_deadline, clock_timestamp(), c.heartbeat_interval_s * 1000
         from stream.stream_sessions as s
         join stream.chat_heads as h on h.session_id = s.id
         cross join stream.config as c
         where s.id = $1";
}

type HeartbeatRow = (
    &'static str,
    String,
    i32,
    i32,
    String,
    i64,
    i32,
    Option<TimestampWithTimeZone>,
    TimestampWithTimeZone,
    i32,
    Option<&'static str>,
);

/// `token_expires_at` is when the token ends that the caller holds; null: the caller does not say.
/// `renew_as` is `host` or `viewer` when the caller should get a fresh token.
#[pg_extern]
#[expect(
    clippy::type_complexity,
    reason = "pgrx reads the column names from the literal type"
)]
fn heartbeat(
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    foreground: Option<bool>,
    generation: Option<i32>,
    join_no: Option<i32>,
    token_expires_at: Option<TimestampWithTimeZone>,
) -> TableIterator<
    'static,
    (
        name!(status, &'static str),
        name!(state, String),
        name!(generation, i32),
        name!(host_uid, i32),
        name!(epoch, String),
        name!(head_seq, i64),
        name!(viewer_count, i32),
        name!(reconnect_deadline, Option<TimestampWithTimeZone>),
        name!(server_time, TimestampWithTimeZone),
        name!(next_in_ms, i32),
        name!(renew_as, Option<&'static str>),
    ),
> {
    let said = Said {
        foreground,
        generation,
        join_no,
        token_expires_at,
    };
    TableIterator::once(answer(beat(session_id, user_id, said)))
}

/// What the device says, all of it optional.
struct Said {
    foreground: Option<bool>,
    generation: Option<i32>,
    join_no: Option<i32>,
    token_expires_at: Option<TimestampWithTimeZone>,
}

struct Beat {
    status: &'static str,
    renew_as: Option<&'static str>,
}

fn beat(session_id: Option<Uuid>, user_id: Option<Uuid>, said: Said) -> Result<HeartbeatRow> {
    let caller = caller::enter_to_write()?;
    let user = caller.speak_of(user_id)?;
    let session = required(session_id, "session_id")?;
    let beat = match beat_as_host(session, user, &said)? {
        Some(beat) => beat,
        None => beat_as_viewer(session, user, &said)?,
    };
    let summary = spi::first(&SUMMARY, &[session.into()], |row| {
        let state: String = column(row, 1)?;
        let generation: i32 = column(row, 2)?;
        Ok((
            beat.status,
            state,
            generation,
            generation,
            epoch(&column::<String>(row, 3)?),
            column(row, 4)?,
            column(row, 5)?,
            nullable(row, 6)?,
            column(row, 7)?,
            column(row, 8)?,
            beat.renew_as,
        ))
    })?;
    let summary: HeartbeatRow = summary.ok_or(ErrorCode::SessionNotFound)?;
    if summary.1 == StreamState::Ended.as_str() {
        return Err(ErrorCode::StreamEnded.into());
    }
    Ok(summary)
}

fn beat_as_viewer(session: Uuid, user: Uuid, said: &Said) -> Result<Beat> {
    skip_waiting_for_the_disk();
    let arguments = [
        session.into(),
        user.into(),
        said.foreground.into(),
        said.join_no.into(),
        said.token_expires_at.into(),
    ];
    if let Some(is_due) = spi::first(&BEAT, &arguments, |row| column::<bool>(row, 1))? {
        let renews = is_due
            && host_user::hold_if_free(user)?
            && spi::execute(&LOCK_FREE_SESSION, &[session.into()])? == 1;
        return Ok(Beat {
            status: "ok",
            renew_as: renews.then_some("viewer"),
        });
    }
    let held = spi::first(&HOLDS_LEASE, &[session.into(), user.into()], |row| {
        column::<bool>(row, 1)
    })?;
    if held.is_some() {
        return Ok(Beat {
            status: "superseded",
            renew_as: None,
        });
    }
    match spi::first(&SUMMARY, &[session.into()], |row| column::<String>(row, 1))? {
        None => Err(ErrorCode::SessionNotFound.into()),
        Some(state) if state == StreamState::Ended.as_str() => Err(ErrorCode::StreamEnded.into()),
        Some(_) if moderation::is_banned(session, user)? => Err(ErrorCode::Banned.into()),
        Some(_) => Err(ErrorCode::NotViewer.into()),
    }
}

/// Nothing when the user is not the host of this session.
fn beat_as_host(session: Uuid, user: Uuid, said: &Said) -> Result<Option<Beat>> {
    let key = [session.into(), user.into()];
    if spi::execute(&IS_HOST, &key)? == 0 {
        return Ok(None);
    }
    gate::close(session)?;
    let found = spi::first(&HOST, &key, |row| {
        Ok((Host::read(row)?, column::<Uuid>(row, 7)?))
    })?;
    let Some((host, auction)) = found else {
        return Ok(None);
    };
    if host.state == StreamState::Ended {
        return Err(ErrorCode::StreamEnded.into());
    }
    if said
        .generation
        .is_some_and(|generation| generation != host.generation)
    {
        return Err(ErrorCode::StaleHost.into());
    }
    if let Some(before) = host.returns_to {
        let returned = lifecycle::announce(
            session,
            host.state,
            before,
            Some(lifecycle::HOST_RETURNED),
            host.generation,
        )?;
        returned.write(Beside {
            heartbeat: true,
            ..Beside::default()
        })?;
    } else if host.has_beaten {
        skip_waiting_for_the_disk();
        spi::execute(&SEE_HOST, &[session.into()])?;
    } else {
        spi::execute(&SEE_HOST_FIRST, &[session.into()])?;
    }
    // The token is noted in the session's row, for the second time here: what that row refers to is
    // taken first, and whoever has it may be waiting for this stream, so the token comes with the next beat.
    let renews = token::is_host_token_due(session, said.token_expires_at)?
        && host_user::hold_if_free(user)?
        && host_user::hold_auction_if_free(auction)?;
    Ok(Some(Beat {
        status: "ok",
        renew_as: renews.then_some("host"),
    }))
}
