//! Applying a notice of Agora: storing it once, and changing the stream by it in the same transaction.
//!
//! Lock order: the session (only for notices about its host, so that notices about viewers never wait for each
//! other), the stored notice, the cursor of the user, and then the locks of a transition.

use pgrx::prelude::*;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_core::webhook::host::{self, Step};
use stream_core::webhook::{Change, Event, Notice, UserChange};

use crate::postgres::caller::{self, Admitted};
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::postgres::spi::{self, statements};
use crate::stream::lifecycle;
use crate::webhook::session::{NoticeSession, is_host_uid};

statements! {
    /// Most notices become `applied` and `noted`; other results are set afterwards.
    STORE: Write [TEXTOID, INT4OID, INT4OID, TEXTOID, UUIDOID, INT8OID, INT8OID, INT8OID, INT4OID, INT8OID]
        "insert into stream.webhook_events
             (notice_id, product_id, event_type, channel_id, session_id, uid, client_seq, happened_at,
              reason, duration_s, status, effect)
         values ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8), $9, $10, 'applied', 'noted')
         on conflict (notice_id) do nothing
         returning true";

    SET_RESULT: Write [TEXTOID, TEXTOID, TEXTOID]
        "update stream.webhook_events set status = $2, effect = $3 where notice_id = $1";

    KNOWS_VIEWER: Write [UUIDOID, INT8OID]
        "select true from stream.stream_viewers as v where v.session_id = $1 and v.agora_uid = $2";

    /// Returns no row when a newer position is stored. A user who left is kept for 60 s, as in Agora's own recipe.
    ADVANCE: Write [UUIDOID, INT8OID, INT8OID, BOOLOID, INT8OID]
        "insert into stream.webhook_cursors as k
             (session_id, uid, position, is_present, happened_at, seen_at, forget_at)
         select $1, $2, $3, $4, to_timestamp($5), now(),
             now() + case when $4 then c.max_duration_s else 60 end * interval '1 second'
         from stream.config as c
         on conflict (session_id, uid) do update
         set position = excluded.position, is_present = excluded.is_present,
             happened_at = excluded.happened_at, seen_at = excluded.seen_at,
             forget_at = excluded.forget_at
         where excluded.position > k.position
         returning true";

    /// Only for a host who sends heartbeats: seen by Agora, others still cannot time out.
    SEE_HOST: Write [UUIDOID]
        "update stream.stream_sessions set host_seen_at = now()
         where id = $1 and host_seen_at is not null";

    RESTATE: Write [UUIDOID, TEXTOID]
        "update stream.stream_sessions set state_reason = $2 where id = $1";
}

/// The result of a notice.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Outcome {
    status: &'static str,
    effect: Option<&'static str>,
}

const NOTED: Outcome = Outcome::applied("noted");

impl Outcome {
    const fn applied(effect: &'static str) -> Self {
        Self {
            status: "applied",
            effect: Some(effect),
        }
    }

    const fn ignored(effect: &'static str) -> Self {
        Self {
            status: "ignored",
            effect: Some(effect),
        }
    }

    const fn plain(status: &'static str) -> Self {
        Self {
            status,
            effect: None,
        }
    }
}

/// Applies a notice, the text of a JSON object.
#[pg_extern]
fn apply_webhook(
    notice: Option<&str>,
) -> TableIterator<
    'static,
    (
        name!(status, &'static str),
        name!(effect, Option<&'static str>),
    ),
> {
    let outcome = or_raise(apply(notice));
    TableIterator::once((outcome.status, outcome.effect))
}

fn apply(notice: Option<&str>) -> Result<Outcome> {
    let caller = caller::enter_to_write()?;
    if !caller.is_service() {
        return Err(ErrorCode::Forbidden.into());
    }
    let admitted = caller.admitted();
    let notice = required(notice, "notice")?;
    let notice = Notice::parse(notice.as_bytes())
        .map_err(|error| Failure::with_hint(ErrorCode::InvalidArgument, error.to_string()))?;
    let (session, outcome) = match &notice.event {
        Event::Test => (None, Outcome::plain("test")),
        Event::Unknown => (None, Outcome::ignored("unknown_event")),
        Event::Change { channel, change } => match NoticeSession::find(admitted, channel, *change)?
        {
            None => (None, Outcome::plain("unknown_channel")),
            Some(session) => (Some(session), NOTED),
        },
    };
    if !store(&notice, session.as_ref())? {
        return Ok(Outcome::plain("duplicate"));
    }
    let outcome = match (&notice.event, &session) {
        (Event::Change { change, .. }, Some(session)) => apply_change(admitted, session, *change)?,
        _ => outcome,
    };
    if outcome != NOTED {
        let result = [
            notice.id.as_str().into(),
            outcome.status.into(),
            outcome.effect.into(),
        ];
        spi::execute(&SET_RESULT, &result)?;
    }
    Ok(outcome)
}

/// Stores the notice; returns false for a duplicate.
fn store(notice: &Notice, session: Option<&NoticeSession>) -> Result<bool> {
    let change = match &notice.event {
        Event::Change { channel, change } => Some((channel.as_str(), *change)),
        Event::Test | Event::Unknown => None,
    };
    let user = change.and_then(|(_, change)| match change {
        Change::User(user) => Some(user),
        Change::Channel { .. } => None,
    });
    let happened_at = change.map(|(_, change)| match change {
        Change::Channel { ts, .. } => ts,
        Change::User(user) => user.ts,
    });
    let stored = spi::execute(
        &STORE,
        &[
            notice.id.as_str().into(),
            notice.product_id.into(),
            notice.event_type.into(),
            change.map(|(channel, _)| channel).into(),
            session.map(|session| session.id).into(),
            user.map(|user| i64::from(user.uid)).into(),
            user.map(|user| user.client_seq).into(),
            happened_at.into(),
            user.and_then(|user| user.reason).into(),
            user.and_then(|user| user.duration_s).into(),
        ],
    )?;
    Ok(stored == 1)
}

fn apply_change(admitted: Admitted, session: &NoticeSession, change: Change) -> Result<Outcome> {
    if session.stream.state == StreamState::Ended {
        return Ok(Outcome::ignored("ended"));
    }
    match change {
        Change::Channel { ts, .. } => {
            if advance(session, 0, change, ts)? {
                Ok(NOTED)
            } else {
                Ok(Outcome::plain("outdated"))
            }
        }
        Change::User(user) => apply_user_change(admitted, session, user, change),
    }
}

fn apply_user_change(
    admitted: Admitted,
    session: &NoticeSession,
    user: UserChange,
    change: Change,
) -> Result<Outcome> {
    if let Some(ignored) = user.ignored() {
        return Ok(Outcome::ignored(ignored.as_str()));
    }
    let uid = i64::from(user.uid);
    if is_host_uid(user.uid) {
        match uid.cmp(&i64::from(session.generation)) {
            std::cmp::Ordering::Less => return Ok(Outcome::ignored("old_generation")),
            std::cmp::Ordering::Greater => return Ok(Outcome::ignored("unknown_uid")),
            std::cmp::Ordering::Equal => {}
        }
    } else if spi::execute(&KNOWS_VIEWER, &[session.id.into(), uid.into()])? == 0 {
        return Ok(Outcome::ignored("unknown_uid"));
    }
    if !advance(session, uid, change, user.ts)? {
        return Ok(Outcome::plain("outdated"));
    }
    if is_host_uid(user.uid) {
        apply_host_change(admitted, session, user)
    } else {
        // Leases follow the app's heartbeats alone and end by themselves; Agora may be late or wrong.
        Ok(NOTED)
    }
}

/// Moves the user's cursor on; returns false when a newer change is stored.
fn advance(session: &NoticeSession, uid: i64, change: Change, ts: i64) -> Result<bool> {
    let arguments = [
        session.id.into(),
        uid.into(),
        change.position().into(),
        change.is_present().into(),
        ts.into(),
    ];
    Ok(spi::execute(&ADVANCE, &arguments)? == 1)
}

fn apply_host_change(
    admitted: Admitted,
    session: &NoticeSession,
    user: UserChange,
) -> Result<Outcome> {
    let verdict = host::judge(user.kind, session.heartbeats);
    let (id, state) = (session.id, session.stream.state);
    Ok(match host::step(session.stream, verdict) {
        Step::Note => NOTED,
        Step::Wait => Outcome::applied("waiting_for_heartbeat"),
        Step::See => {
            spi::execute(&SEE_HOST, &[id.into()])?;
            Outcome::applied("host_present")
        }
        Step::Return => {
            lifecycle::move_to(
                admitted,
                id,
                state,
                StreamState::Active,
                Some(lifecycle::HOST_RETURNED),
                session.generation,
            )?;
            Outcome::applied(lifecycle::HOST_RETURNED)
        }
        Step::Lose(loss) => {
            lifecycle::move_to(
                admitted,
                id,
                state,
                StreamState::Error,
                Some(loss.as_str()),
                session.generation,
            )?;
            Outcome::applied(loss.as_str())
        }
        Step::Restate(loss) => {
            spi::execute(&RESTATE, &[id.into(), loss.as_str().into()])?;
            Outcome::applied(loss.as_str())
        }
    })
}
