//! The heartbeat of one device, a viewer's or the host's.
//!
//! A viewer's heartbeat prolongs the lease, the host's keeps the stream alive and brings it back after a loss. It emits
//! nothing by itself, so its commit need not wait for the disk, unless it flushes a log because no ticker is alive. It
//! does not wait for a locked row: a viewer's heartbeat never, the host's 200 ms at most. It returns the same result
//! then without a write; a host, who is lost sooner than a viewer, is told to come again soon. In a batch the host's waits
//! for nobody either: others would wait with it, so it is refused with `lock_timeout`, to be sent alone.

use std::time::Duration;

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::contract::OLDEST_CLIENT;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;

use crate::clock;
use crate::heartbeat::host::{HostWrite, host_token, write_host};
use crate::heartbeat::lease::{self, LeaseOutcome};
use crate::heartbeat::reply::{HeartbeatReply, HostWait, SUPERSEDED};
use crate::heartbeat::request::{HeartbeatRequest, Later};
use crate::heartbeat::summary::{self, Summary};
use crate::log::flush_without_ticker;
use crate::log::system_message;
use crate::moderation::active_restrictions;
use crate::postgres::caller::{self, Admitted, Caller};
use crate::postgres::catalogue::KnownRelation;
use crate::postgres::commit::skip_waiting_for_the_disk;
use crate::postgres::composite::{self, Attribute, Composite};
use crate::postgres::error::{Result, or_raise, required};
use crate::postgres::spi::{self, statements};
use crate::postgres::wait_budget::WaitBudget;
use crate::realtime::broadcast;
use crate::stream::gate;
use crate::stream::host_return::{HostRow, HostState, host_columns};
use crate::stream::lifecycle::{self, StateExtras};
use crate::token::host;
use crate::token::renewal::{Renewal, Renewed};

static HEARTBEAT_RESULT: KnownRelation = KnownRelation::new(c"heartbeat_result");

/// The longest wait of a host's return for the log.
const LOG_WAIT: Duration = Duration::from_millis(100);

/// The next heartbeat is due this soon when a host's was not written, or did not bring the stream back.
const SOON_MS: i32 = 1000;

statements! {
    /// The row is locked already, or must not be waited for.
    HOST: Write [UUIDOID, UUIDOID] -> HostRow,
        concat!(
            "select ", host_columns!(), "
             from stream.stream_sessions as s
             where s.id = $1 and s.seller_id = $2"
        );
}

/// Processes a heartbeat. `token_expires_at` is when the token of the device ends; null: the device does not say. Returns
/// a `stream.heartbeat_result`, with a fresh token when one is due.
#[pg_extern]
fn heartbeat(
    session_id: Option<Uuid>,
    foreground: Option<bool>,
    generation: Option<i32>,
    join_no: Option<i32>,
    user_id: Option<Uuid>,
    token_expires_at: Option<TimestampWithTimeZone>,
) -> pgrx::composite_type!('static, "record") {
    let request = HeartbeatRequest {
        foreground,
        generation,
        join_no,
        token_expires_at,
    };
    or_raise(process(session_id, user_id, request))
}

fn process(
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    request: HeartbeatRequest,
) -> Result<Composite> {
    let caller = caller::enter_to_write()?;
    let admitted = caller.admitted();
    let processed = process_for(caller, session_id, user_id, &request, HostWait::Short, None)?;
    flush_without_ticker::flush_one(admitted, processed.session, processed.summary.head_seq)?;
    processed.into_composite()
}

/// A heartbeat that was not refused; its log may be left to flush. It outlives the subtransaction in which it was made, as
/// no row of Postgres does.
pub struct Processed {
    pub session: Uuid,
    summary: Summary,
    reply: HeartbeatReply,
    server_time: TimestampWithTimeZone,
}

/// Processes the heartbeat of a caller who is admitted to write. After a `later` one that this call has written nothing is.
pub fn process_for(
    caller: Caller,
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    request: &HeartbeatRequest,
    host_wait: HostWait,
    later: Option<Later>,
) -> Result<Processed> {
    let user = caller.resolve_user(user_id)?;
    let session = required(session_id, "session_id")?;
    let admitted = caller.admitted();
    let reply = match host_heartbeat(admitted, session, user, request, host_wait, later)? {
        Some(reply) => reply,
        None => viewer_heartbeat(admitted, session, user, request, later)?,
    };
    let summary = Summary::read(admitted, session)?.ok_or(ErrorCode::SessionNotFound)?;
    if summary.state == StreamState::Ended {
        return Err(ErrorCode::StreamEnded.into());
    }
    Ok(Processed {
        session,
        summary,
        reply,
        server_time: clock::now()?,
    })
}

impl Processed {
    pub fn is_written(&self) -> bool {
        self.reply.is_written
    }

    pub fn is_superseded(&self) -> bool {
        self.reply.status == SUPERSEDED
    }

    /// The answer as a `stream.heartbeat_result`.
    pub fn into_composite(self) -> Result<Composite> {
        let (summary, reply) = (self.summary, self.reply);
        let usual_ms = summary.heartbeat_interval_s.saturating_mul(1000);
        let next_in_ms = if reply.comes_soon {
            usual_ms.min(SOON_MS)
        } else {
            usual_ms
        };
        let token = reply.token.map(Renewed::into_composite).transpose()?;
        composite::form(
            &HEARTBEAT_RESULT,
            [
                reply.status.into(),
                self.session.into(),
                summary.state.as_str().into(),
                summary.generation.into(),
                // The host's Agora uid.
                summary.generation.into(),
                summary.epoch.into(),
                summary.head_seq.into(),
                summary.viewer_count.into(),
                summary.reconnect_deadline.into(),
                self.server_time.into(),
                next_in_ms.into(),
                summary.poll_ms.into(),
                Attribute::composite(token),
                OLDEST_CLIENT.into(),
            ],
        )
    }
}

fn viewer_heartbeat(
    admitted: Admitted,
    session: Uuid,
    user: Uuid,
    request: &HeartbeatRequest,
    later: Option<Later>,
) -> Result<HeartbeatReply> {
    skip_waiting_for_the_disk();
    let outcome = match later {
        Some(Later { says_foreground }) => {
            lease::judge_written(admitted, session, user, request, says_foreground)?
        }
        None => lease::prolong(admitted, session, user, request)?,
    };
    match outcome {
        LeaseOutcome::Prolonged(token) => return Ok(HeartbeatReply::with(token)),
        LeaseOutcome::Unwritten => return Ok(HeartbeatReply::new("ok")),
        LeaseOutcome::Superseded => return Ok(HeartbeatReply::new(SUPERSEDED)),
        LeaseOutcome::Missing => {}
    }
    let state = summary::find_state(admitted, session)?.ok_or(ErrorCode::SessionNotFound)?;
    if state == StreamState::Ended {
        return Err(ErrorCode::StreamEnded.into());
    }
    if active_restrictions::in_force(admitted, session, user)?.is_banned {
        return Err(ErrorCode::Banned.into());
    }
    Err(ErrorCode::NotViewer.into())
}

/// Processes the heartbeat of the host; returns none when the user is not the host of this session.
fn host_heartbeat(
    admitted: Admitted,
    session: Uuid,
    user: Uuid,
    request: &HeartbeatRequest,
    host_wait: HostWait,
    later: Option<Later>,
) -> Result<Option<HeartbeatReply>> {
    let key = [session.into(), user.into()];
    if !summary::is_seller(admitted, session, user)? {
        return Ok(None);
    }
    let is_locked = match host_wait {
        HostWait::Short => gate::close_soon(admitted, session)?,
        HostWait::None => gate::close_if_free(admitted, session)?,
    };
    let Some(host) = spi::first(&HOST, &key)? else {
        return Ok(None);
    };
    let host = HostState::from(host);
    if host.state == StreamState::Ended {
        return Err(ErrorCode::StreamEnded.into());
    }
    if request
        .generation
        .is_some_and(|generation| generation != host.generation)
    {
        return Err(ErrorCode::StaleHost.into());
    }
    if !is_locked {
        return host_wait.soon().map(Some);
    }
    if later.is_some() {
        let has_more =
            host.returns_to.is_some() || host::is_due(admitted, session, request.token_expires_at)?;
        return match has_more {
            true => Err(ErrorCode::LockTimeout.into()),
            false => Ok(Some(HeartbeatReply::new("ok"))),
        };
    }
    let log_wait = match host_wait {
        HostWait::Short => LOG_WAIT,
        HostWait::None => Duration::ZERO,
    };
    let may_return = host.returns_to.is_some()
        && system_message::hold(admitted, session, &mut WaitBudget::new(log_wait))?
        && broadcast::take_lock(host_wait == HostWait::Short)?;
    let returns_to = host.returns_to.filter(|_| may_return);
    let comes_again = returns_to.is_none() && host.returns_to.is_some();
    if comes_again && host_wait == HostWait::None {
        return host_wait.soon().map(Some);
    }
    let renewal = if !comes_again && host::is_due(admitted, session, request.token_expires_at)? {
        Renewal::of_host(admitted, session, user)?
    } else {
        None
    };
    let Some(before) = returns_to else {
        skip_waiting_for_the_disk();
        let write = if host.has_sent_heartbeat {
            HostWrite::Heartbeat
        } else {
            HostWrite::FirstHeartbeat
        };
        write_host(admitted, write, session, renewal.as_ref())?;
        if comes_again {
            return Ok(Some(HeartbeatReply::soon()));
        }
        let token = renewal.map(|renewal| renewal.issue(admitted, host.generation));
        return Ok(Some(HeartbeatReply::with(token.transpose()?)));
    };
    let returned = lifecycle::announce(
        admitted,
        session,
        host.state,
        before,
        Some(lifecycle::HOST_RETURNED),
        host.generation,
    )?;
    let host_token = renewal
        .as_ref()
        .map(|renewal| host_token(admitted, session, renewal))
        .transpose()?;
    returned.write(StateExtras {
        heartbeat: true,
        host_token,
        ..StateExtras::default()
    })?;
    let token = renewal.map(|renewal| renewal.issue(admitted, host.generation));
    Ok(Some(HeartbeatReply::with(token.transpose()?)))
}
