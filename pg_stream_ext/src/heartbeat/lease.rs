//! Prolonging a viewer's lease, by key and without waiting.
//!
//! A message of the same user holds the row while it waits for the log. A heartbeat that finds it held
//! leaves it as it is: the message is a sign of life too, and the lease outlasts two more heartbeats.

use pgrx::datum::{TimestampWithTimeZone, Uuid};

use super::Said;
use crate::clock::{self, MICROSECONDS_PER_S, Microseconds};
use crate::error::{Failure, Result};
use crate::keyed::{Locked, Row, Table, Values};

/// A token is not renewed sooner after it was issued.
const MIN_TOKEN_AGE: Microseconds = 30 * MICROSECONDS_PER_S;

static VIEWERS: Table = Table::new(c"stream_viewers");
static CONFIG: Table = Table::new(c"config");

/// What a heartbeat found of the lease.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// Prolonged.
    Seen { is_token_due: bool },
    /// It holds, and somebody holds its row, which stays as it is.
    Taken,
    /// Another device of the user has joined since.
    Superseded,
    /// The user holds none.
    Missing,
}

/// Notes a sign of life. Going to the background brings the look at the lease forward, which is the only
/// change that costs an index entry.
pub fn prolong(session: Uuid, user: Uuid, said: &Said) -> Result<Lease> {
    let now = clock::from_microseconds(clock::transaction_start())?;
    let (mut why_not, mut moves) = (Lease::Missing, false);
    let seen = VIEWERS.update_free(&[session, user], |row| {
        why_not = judge(row, said)?;
        moves = moves_between_grounds(row, said)?;
        if why_not != Lease::Taken || moves {
            return Ok(None);
        }
        let changes: Values<1> = [(c"last_seen_at", now.into())];
        Ok(Some((is_token_due(row, said)?, changes)))
    })?;
    match seen {
        Locked::Held(is_token_due) => Ok(Lease::Seen { is_token_due }),
        Locked::Missing if why_not == Lease::Taken && moves => {
            change_ground(session, user, said, now)
        }
        Locked::Taken | Locked::Missing => Ok(why_not),
    }
}

/// The same for an app that goes to the background or comes back.
fn change_ground(
    session: Uuid,
    user: Uuid,
    said: &Said,
    now: TimestampWithTimeZone,
) -> Result<Lease> {
    let grace_s: Option<i32> = CONFIG.only(|row| row.column(c"background_grace_s"))?;
    let grace_s = grace_s.ok_or(Failure::Row("the config row is gone"))?;
    let grace = Microseconds::from(grace_s) * MICROSECONDS_PER_S;
    let grace_ends = clock::from_microseconds(now.into_inner().saturating_add(grace))?;
    let mut why_not = Lease::Missing;
    let seen = VIEWERS.update_free(&[session, user], |row| {
        why_not = judge(row, said)?;
        if why_not != Lease::Taken {
            return Ok(None);
        }
        let background_since: Option<TimestampWithTimeZone> = row.nullable(c"background_since")?;
        let check_at: TimestampWithTimeZone = row.column(c"lease_check_at")?;
        let is_foreground = said.foreground.unwrap_or(background_since.is_none());
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
        let changes: Values<3> = [
            (c"last_seen_at", now.into()),
            (c"background_since", background_since.into()),
            (c"lease_check_at", check_at.into()),
        ];
        Ok(Some((is_token_due(row, said)?, changes)))
    })?;
    Ok(match seen {
        Locked::Held(is_token_due) => Lease::Seen { is_token_due },
        Locked::Taken | Locked::Missing => why_not,
    })
}

/// `Taken` for a lease that the heartbeat may prolong: all that is left then is that it is held.
fn judge(row: &Row, said: &Said) -> Result<Lease> {
    if !row.column::<bool>(c"is_active")? {
        return Ok(Lease::Missing);
    }
    let newest: i32 = row.column(c"join_no")?;
    Ok(if said.join_no.is_some_and(|join_no| join_no != newest) {
        Lease::Superseded
    } else {
        Lease::Taken
    })
}

fn moves_between_grounds(row: &Row, said: &Said) -> Result<bool> {
    let is_in_background = row
        .nullable::<TimestampWithTimeZone>(c"background_since")?
        .is_some();
    Ok(said.foreground == Some(is_in_background))
}

/// Whether the last quarter of a life lies before the end of the token that is held, as the device says or
/// else as noted; nobody holds one that ends after the newest.
fn is_token_due(row: &Row, said: &Said) -> Result<bool> {
    let time = |column| -> Result<Option<Microseconds>> {
        let time: Option<TimestampWithTimeZone> = row.nullable(column)?;
        Ok(time.map(TimestampWithTimeZone::into_inner))
    };
    let (Some(issued), Some(expires)) = (time(c"token_issued_at")?, time(c"token_expires_at")?)
    else {
        return Ok(false);
    };
    let told = said.token_expires_at.map(TimestampWithTimeZone::into_inner);
    let held_until = match told {
        Some(told) => told,
        None => time(c"token_held_until")?.unwrap_or(expires),
    };
    let now = clock::transaction_start();
    let quarter = expires.saturating_sub(issued) / 4;
    Ok(held_until.min(expires) <= now.saturating_add(quarter)
        && issued <= now.saturating_sub(MIN_TOKEN_AGE))
}
