//! Heartbeats: a device tells that it is still there.
//!
//! A viewer's heartbeat prolongs the lease, the host's keeps the stream alive and brings it back
//! after a loss. It emits nothing by itself, so it need not wait for the disk; what a ticker has left that
//! is gone it sends along, and then it does. Nor does it wait for whoever
//! holds its row: a viewer's not at all, the host's a moment. It answers the same then, unwritten; the host,
//! who is lost sooner than a viewer, comes again soon.

mod lease;

use std::time::Duration;

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
use crate::log;
use crate::moderation;
use crate::patience::Patience;
use crate::spi::{self, column, nullable, statements};
use crate::tails;
use crate::token;
use lease::Lease;

/// How long a host's return waits for the log.
const LOG_WAIT: Duration = Duration::from_millis(100);

/// When a host comes again whose heartbeat was not written, or did not bring the stream back.
const SOON_MS: i32 = 1000;

statements! {
    /// What a token needs, which like the user's row is taken before the lease elsewhere: whoever
    /// holds it may be waiting for this lease, so the token comes with the next beat.
    LOCK_FREE_SESSION: Write [UUIDOID]
        "select true from stream.stream_sessions as s where s.id = $1 for share skip locked";

    IS_HOST: Write [UUIDOID, UUIDOID]
        "select true from stream.stream_sessions as s where s.id = $1 and s.seller_id = $2";

    /// The row is locked already, or must not be waited for.
    HOST: Write [UUIDOID, UUIDOID]
        concat!(
            "select ", host_columns!(), ", s.auction_id
             from stream.stream_sessions as s
             where s.id = $1 and s.seller_id = $2"
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
    /// Whether the next one is due sooner than usual.
    comes_soon: bool,
}

impl Beat {
    const fn new(status: &'static str) -> Self {
        Self {
            status,
            renew_as: None,
            comes_soon: false,
        }
    }

    const fn soon() -> Self {
        Self {
            comes_soon: true,
            ..Self::new("ok")
        }
    }
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
        let next_in_ms: i32 = column(row, 8)?;
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
            if beat.comes_soon {
                next_in_ms.min(SOON_MS)
            } else {
                next_in_ms
            },
            beat.renew_as,
        ))
    })?;
    let summary: HeartbeatRow = summary.ok_or(ErrorCode::SessionNotFound)?;
    if summary.1 == StreamState::Ended.as_str() {
        return Err(ErrorCode::StreamEnded.into());
    }
    tails::send_for_dead_ticker(session, summary.5)?;
    Ok(summary)
}

fn beat_as_viewer(session: Uuid, user: Uuid, said: &Said) -> Result<Beat> {
    skip_waiting_for_the_disk();
    match lease::prolong(session, user, said)? {
        Lease::Seen { is_token_due } => {
            let renews = is_token_due
                && host_user::hold_if_free(user)?
                && spi::execute(&LOCK_FREE_SESSION, &[session.into()])? == 1;
            return Ok(Beat {
                renew_as: renews.then_some("viewer"),
                ..Beat::new("ok")
            });
        }
        Lease::Taken => return Ok(Beat::new("ok")),
        Lease::Superseded => return Ok(Beat::new("superseded")),
        Lease::Missing => {}
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
    let is_locked = gate::close_soon(session)?;
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
    if !is_locked {
        return Ok(Some(Beat::soon()));
    }
    let returns_to = match host.returns_to {
        Some(_) if !log::hold(session, &mut Patience::new(LOG_WAIT))? => None,
        returns_to => returns_to,
    };
    if let Some(before) = returns_to {
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
    if returns_to.is_none() && host.returns_to.is_some() {
        return Ok(Some(Beat::soon()));
    }
    // The token is noted in the session's row, for the second time here: what that row refers to is
    // taken first, and whoever has it may be waiting for this stream, so the token comes with the next beat.
    let renews = token::is_host_token_due(session, said.token_expires_at)?
        && host_user::hold_if_free(user)?
        && host_user::hold_auction_if_free(auction)?;
    Ok(Some(Beat {
        renew_as: renews.then_some("host"),
        ..Beat::new("ok")
    }))
}
