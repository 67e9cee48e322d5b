//! Prolonging a viewer's lease by key, without waiting.
//!
//! A message of the same user holds the row while it waits for the log. A heartbeat that finds it held
//! leaves it as it is: the message prolongs the lease too, and the lease outlasts two more heartbeats.

use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use stream_core::error::ErrorCode;

use crate::clock::{self, MICROSECONDS_PER_S, Microseconds};
use crate::heartbeat::request::HeartbeatRequest;
use crate::postgres::caller::Admitted;
use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::{Locked, Row, Table, Values};
use crate::token::columns::{self, OF_VIEWER};
use crate::token::renewal::{Renewal, Renewed};

static VIEWERS: Table = Table::new(c"stream_viewers");
static CONFIG: Table = Table::new(c"config");

/// The outcome of a heartbeat for the lease.
pub enum LeaseOutcome {
    /// Prolonged, with a fresh token when one was due.
    Prolonged(Option<Renewed>),
    /// The lease holds, but its row is locked by another transaction, or written by this call, and stays as it is.
    Unwritten,
    /// Another device of the user has joined since.
    Superseded,
    /// The user has no lease.
    Missing,
}

/// Prolongs the lease. Going to the background sets an earlier `lease_check_at`, the only change that costs an index
/// entry.
pub fn prolong(
    admitted: Admitted,
    session: Uuid,
    user: Uuid,
    request: &HeartbeatRequest,
) -> Result<LeaseOutcome> {
    let now = clock::from_microseconds(clock::transaction_start())?;
    let (mut outcome, mut is_changed, mut is_due) = (LeaseOutcome::Missing, false, false);
    let seen = VIEWERS.update_free(admitted, &[session, user], |row| {
        outcome = judge(row, request)?;
        is_changed = changes_foreground(row, request)?;
        is_due = columns::is_due(row, &OF_VIEWER, request.token_expires_at)?;
        if !matches!(outcome, LeaseOutcome::Unwritten) || is_changed || is_due {
            return Ok(None);
        }
        let changes: Values<1> = [(c"last_seen_at", now.into())];
        Ok(Some(((), changes)))
    })?;
    match seen {
        Locked::Held(()) => Ok(LeaseOutcome::Prolonged(None)),
        Locked::Missing if matches!(outcome, LeaseOutcome::Unwritten) => {
            let renewal = if is_due {
                Renewal::of_viewer(admitted, session, user)?
            } else {
                None
            };
            let (outcome, seen) = if is_changed {
                prolong_with_foreground(admitted, session, user, request, now, renewal.as_ref())?
            } else {
                prolong_with_token(admitted, session, user, request, now, renewal.as_ref())?
            };
            match (seen, renewal) {
                (Locked::Held(Some(uid)), Some(renewal)) => {
                    Ok(LeaseOutcome::Prolonged(Some(renewal.issue(admitted, uid)?)))
                }
                (Locked::Held(_), _) => Ok(LeaseOutcome::Prolonged(None)),
                (Locked::Taken | Locked::Missing, _) => Ok(outcome),
            }
        }
        Locked::Taken | Locked::Missing => Ok(outcome),
    }
}

/// The outcome for a lease that this call has written for a later item; it stays as it is. An item that would have more to
/// note is refused with `lock_timeout`, to come alone.
pub fn judge_written(
    admitted: Admitted,
    session: Uuid,
    user: Uuid,
    request: &HeartbeatRequest,
    says_foreground: bool,
) -> Result<LeaseOutcome> {
    let judged = VIEWERS.find(admitted, &[session, user], |row| {
        let is_noted = says_foreground || !changes_foreground(row, request)?;
        let is_due = columns::is_due(row, &OF_VIEWER, request.token_expires_at)?;
        Ok(Some((judge(row, request)?, is_noted && !is_due)))
    })?;
    match judged {
        Some((LeaseOutcome::Unwritten, false)) => Err(ErrorCode::LockTimeout.into()),
        Some((outcome, _)) => Ok(outcome),
        None => Ok(LeaseOutcome::Missing),
    }
}

/// The outcome for the lease if it was not written, and the viewer's Agora uid if the token was noted.
type LeaseWrite = (LeaseOutcome, Locked<Option<i32>>);

/// Prolongs the lease and notes a renewed token in the same write.
fn prolong_with_token(
    admitted: Admitted,
    session: Uuid,
    user: Uuid,
    request: &HeartbeatRequest,
    now: TimestampWithTimeZone,
    renewal: Option<&Renewal>,
) -> Result<LeaseWrite> {
    let mut outcome = LeaseOutcome::Missing;
    let seen = VIEWERS.update_free(admitted, &[session, user], |row| {
        outcome = judge(row, request)?;
        if !matches!(outcome, LeaseOutcome::Unwritten) {
            return Ok(None);
        }
        let (uid, [issued_at, expires_at, held_until]) = token_columns(row, request, renewal)?;
        let changes: Values<4> = [
            (c"last_seen_at", now.into()),
            issued_at,
            expires_at,
            held_until,
        ];
        Ok(Some((uid, changes)))
    })?;
    Ok((outcome, seen))
}

/// Prolongs the lease of an app that goes to the background or comes back.
fn prolong_with_foreground(
    admitted: Admitted,
    session: Uuid,
    user: Uuid,
    request: &HeartbeatRequest,
    now: TimestampWithTimeZone,
    renewal: Option<&Renewal>,
) -> Result<LeaseWrite> {
    let grace_s: Option<i32> = CONFIG.only(admitted, |row| row.column(c"background_grace_s"))?;
    let grace_s = grace_s.ok_or(Failure::Row("the config row is gone"))?;
    let grace = Microseconds::from(grace_s) * MICROSECONDS_PER_S;
    let grace_ends = clock::from_microseconds(now.into_inner().saturating_add(grace))?;
    let mut outcome = LeaseOutcome::Missing;
    let seen = VIEWERS.update_free(admitted, &[session, user], |row| {
        outcome = judge(row, request)?;
        if !matches!(outcome, LeaseOutcome::Unwritten) {
            return Ok(None);
        }
        let background_since: Option<TimestampWithTimeZone> = row.nullable(c"background_since")?;
        let check_at: TimestampWithTimeZone = row.column(c"lease_check_at")?;
        let is_foreground = request.foreground.unwrap_or(background_since.is_none());
        let (background_since, check_at) = match background_since {
            _ if is_foreground => (None, check_at),
            None => (
                Some(now),
                if grace_ends.into_inner() < check_at.into_inner() {
                    grace_ends
                } else {
                    check_at
                },
            ),
            since => (since, check_at),
        };
        let (uid, [issued_at, expires_at, held_until]) = token_columns(row, request, renewal)?;
        let changes: Values<6> = [
            (c"last_seen_at", now.into()),
            (c"background_since", background_since.into()),
            (c"lease_check_at", check_at.into()),
            issued_at,
            expires_at,
            held_until,
        ];
        Ok(Some((uid, changes)))
    })?;
    Ok((outcome, seen))
}

/// The new values of the viewer's token columns: the renewal's, with the viewer's Agora uid, or the present ones. Another
/// device of the user may have got a token meanwhile, so whether it is due is checked again.
fn token_columns(
    row: &Row,
    request: &HeartbeatRequest,
    renewal: Option<&Renewal>,
) -> Result<(Option<i32>, Values<3>)> {
    let is_due = || columns::is_due(row, &OF_VIEWER, request.token_expires_at);
    let (uid, [issued_at, expires_at, held_until]) = match renewal {
        Some(renewal) if is_due()? => {
            let values = [
                renewal.noted.issued_at.into(),
                renewal.noted.expires_at.into(),
                renewal.noted.held_until(row, &OF_VIEWER)?.into(),
            ];
            (Some(row.column(c"agora_uid")?), values)
        }
        _ => (None, unchanged(row)?),
    };
    let columns = [
        (OF_VIEWER.issued_at, issued_at),
        (OF_VIEWER.expires_at, expires_at),
        (OF_VIEWER.held_until, held_until),
    ];
    Ok((uid, columns))
}

/// The present values of the viewer's token columns.
fn unchanged(row: &Row) -> Result<[DatumWithOid<'static>; 3]> {
    let column = |name| -> Result<DatumWithOid<'static>> {
        Ok(row.nullable::<TimestampWithTimeZone>(name)?.into())
    };
    Ok([
        column(OF_VIEWER.issued_at)?,
        column(OF_VIEWER.expires_at)?,
        column(OF_VIEWER.held_until)?,
    ])
}

/// Checks whether the heartbeat may prolong the lease: `Unwritten` if it may, because then only a lock can prevent the write.
fn judge(row: &Row, request: &HeartbeatRequest) -> Result<LeaseOutcome> {
    if !row.column::<bool>(c"is_active")? {
        return Ok(LeaseOutcome::Missing);
    }
    let newest: i32 = row.column(c"join_no")?;
    Ok(
        if request.join_no.is_some_and(|join_no| join_no != newest) {
            LeaseOutcome::Superseded
        } else {
            LeaseOutcome::Unwritten
        },
    )
}

fn changes_foreground(row: &Row, request: &HeartbeatRequest) -> Result<bool> {
    let is_in_background = row
        .nullable::<TimestampWithTimeZone>(c"background_since")?
        .is_some();
    Ok(request.foreground == Some(is_in_background))
}
