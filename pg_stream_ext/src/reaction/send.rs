//! Sending one reaction.
//!
//! It takes no number of the log, and of the rows that others lock it takes only the caller's own: the viewer's row, which
//! the end of a stream locks too, or for the seller the session's, shared with joins. So a reaction is either before the
//! end of the stream, and in its last totals, or refused.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;

use crate::clock;
use crate::moderation::active_restrictions;
use crate::postgres::caller::{self, Admitted, Caller};
use crate::postgres::catalogue::KnownRelation;
use crate::postgres::commit::skip_waiting_for_the_disk;
use crate::postgres::composite::{self, Composite};
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::postgres::keyed::{Table, Values};
use crate::postgres::spi::{self, statements};
use crate::rate::{Rate, Verdict};
use crate::reaction::counts;
use crate::reaction::settings::ReactionSettings;
use crate::stream::{gate, state};

static REACTION_RESULT: KnownRelation = KnownRelation::new(c"reaction_result");
static SESSIONS: Table = Table::new(c"stream_sessions");
static VIEWERS: Table = Table::new(c"stream_viewers");

statements! {
    SHARE_SESSION: Write [UUIDOID]
        "select true from stream.stream_sessions as s where s.id = $1 for share";

    ADD_HOST_RATE: Write [UUIDOID]
        "insert into stream.reaction_rates (session_id, tat) values ($1, '-infinity')
         on conflict (session_id) do nothing";

    HOST_RATE: Write [UUIDOID] -> TimestampWithTimeZone,
        "select r.tat from stream.reaction_rates as r where r.session_id = $1 for no key update";

    NOTE_HOST_RATE: Write [UUIDOID, TIMESTAMPTZOID]
        "update stream.reaction_rates set tat = $2 where session_id = $1";
}

/// A `stream.reaction_result`.
#[pg_extern]
fn send_reaction(
    session_id: Option<Uuid>,
    kind: Option<&str>,
) -> pgrx::composite_type!('static, "record") {
    or_raise(send(session_id, kind))
}

fn send(session_id: Option<Uuid>, kind: Option<&str>) -> Result<Composite> {
    let caller = caller::enter_to_write()?;
    let admitted = caller.admitted();
    let user = caller.act_for(None)?;
    let session = required(session_id, "session_id")?;
    let kind = required(kind, "kind")?;
    let settings = ReactionSettings::read(admitted)?;
    settings.require_kind(kind)?;
    // Like a heartbeat: a crash loses the reactions of a moment, and the broadcast waits for the disk.
    skip_waiting_for_the_disk();
    let wait_ms = if LiveSession::read(admitted, session)?.seller == user {
        charge_host(admitted, session, settings.rate)?
    } else {
        charge_viewer(caller, session, user, &settings)?
    };
    if wait_ms.is_none() {
        counts::add_one(admitted, session, kind)?;
    }
    let is_accepted = wait_ms.is_none();
    composite::form(&REACTION_RESULT, [is_accepted.into(), wait_ms.into()])
}

/// A stream that has not ended.
struct LiveSession {
    seller: Uuid,
}

impl LiveSession {
    /// Reads the row as it is committed now; refuses an ended stream.
    fn read(admitted: Admitted, session: Uuid) -> Result<Self> {
        let found = SESSIONS.find(admitted, &[session], |row| {
            let has_ended = state::read(row.text(c"state")?)? == StreamState::Ended;
            Ok(Some((row.column(c"seller_id")?, has_ended)))
        })?;
        match found {
            Some((seller, false)) => Ok(Self { seller }),
            Some((_, true)) => Err(ErrorCode::StreamEnded.into()),
            None => Err(ErrorCode::SessionNotFound.into()),
        }
    }
}

/// Counts one reaction against the viewer's rate, and prolongs the lease; returns the milliseconds to wait where it is
/// beyond the rate. A wait for the row, which a message of the same viewer may hold, counts as silence.
fn charge_viewer(
    caller: Caller,
    session: Uuid,
    user: Uuid,
    settings: &ReactionSettings,
) -> Result<Option<i64>> {
    let admitted = caller.admitted();
    let (mut holds_lease, mut wait) = (false, None);
    VIEWERS.update(admitted, &[session, user], |row| {
        holds_lease = row.column(c"is_active")?;
        if !holds_lease {
            return Ok(None);
        }
        match settings.rate.judge(row.nullable(c"reaction_tat")?)? {
            Verdict::Pass(tat) => {
                let changes: Values<2> = [
                    (c"reaction_tat", tat.into()),
                    (c"last_seen_at", clock::now()?.into()),
                ];
                Ok(Some(((), changes)))
            }
            Verdict::Wait(wait_ms) => {
                wait = Some(wait_ms);
                Ok(None)
            }
        }
    })?;
    // After the row is locked, so that whatever was committed before counts.
    LiveSession::read(admitted, session)?;
    if caller.is_anonymous() && !settings.anonymous_users_may_react {
        return Err(ErrorCode::AnonymousUser.into());
    }
    let restrictions = active_restrictions::in_force(admitted, session, user)?;
    if restrictions.is_banned {
        return Err(ErrorCode::Banned.into());
    }
    if !holds_lease {
        return Err(ErrorCode::NotViewer.into());
    }
    if let Some(mute) = &restrictions.mute {
        return Err(match mute.left_ms()? {
            Some(left_ms) => Failure::retry_after(ErrorCode::Muted, left_ms),
            None => ErrorCode::Muted.into(),
        });
    }
    Ok(wait.map(u64::cast_signed))
}

/// Counts one reaction against the seller's rate; returns the milliseconds to wait where it is beyond the rate.
fn charge_host(admitted: Admitted, session: Uuid, rate: Rate) -> Result<Option<i64>> {
    let key = [session.into()];
    gate::pass(session)?;
    spi::execute(&SHARE_SESSION, &key)?;
    LiveSession::read(admitted, session)?;
    spi::execute(&ADD_HOST_RATE, &key)?;
    match rate.judge(spi::first(&HOST_RATE, &key)?)? {
        Verdict::Pass(tat) => {
            spi::execute(&NOTE_HOST_RATE, &[session.into(), tat.into()])?;
            Ok(None)
        }
        Verdict::Wait(wait_ms) => Ok(Some(wait_ms.cast_signed())),
    }
}
