//! A sender's row in `stream_viewers`: locking it, and counting their messages against the rate.
//!
//! The row is locked before the head row (lock order), so that one user's messages are counted one after
//! the other. A message also prolongs the lease, in the same update.

use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::rate::RateLimit;

use crate::clock;
use crate::postgres::caller::Admitted;
use crate::postgres::error::Result;
use crate::postgres::keyed::{Locked, Row, Table, Values, Waiting};
use crate::postgres::spi::{self, statements};
use crate::rate::backlog_us;

static VIEWERS: Table = Table::new(c"stream_viewers");

statements! {
    SET: Write [UUIDOID, UUIDARRAYOID, TIMESTAMPTZARRAYOID]
        "update stream.stream_viewers as v
         set chat_tat = u.tat, last_chat_at = clock_timestamp(), last_seen_at = clock_timestamp()
         from unnest($2, $3) as u (id, tat)
         where v.session_id = $1 and v.user_id = u.id";
}

/// A locked row of a viewer.
pub struct ViewerRow {
    pub user: Uuid,
    pub is_active: bool,
    /// When the row was locked. The rate limiter counts from then, so waiting for the head row costs nothing.
    pub arrived_at: TimestampWithTimeZone,
    /// How far the rate limiter was ahead of that time.
    pub backlog_us: i64,
    /// Milliseconds since the last message; none when there was none, or when the clock was set back behind it.
    pub silent_ms: Option<i64>,
    /// The message that the row already counts.
    counted: Option<CountedMessage>,
}

/// One message, as a viewer's row counts it.
#[derive(Clone, Copy)]
struct CountedMessage {
    /// How far the rate limiter is ahead with it.
    backlog_us: i64,
    /// When the user wrote the message before it.
    last_chat_at: Option<TimestampWithTimeZone>,
}

impl ViewerRow {
    /// Locks the row of a user who holds a lease and counts one message by `limit`, unless the limit is reached.
    /// `settle` corrects the count if another limit applies. The clock is read after the lock is granted, so
    /// waiting for it counts as silence.
    pub fn lock_and_count(
        admitted: Admitted,
        session: Uuid,
        user: Uuid,
        limit: RateLimit,
    ) -> Result<Option<Self>> {
        let mut full = None;
        let counted = VIEWERS.update(admitted, &[session, user], |row| {
            if !row.column::<bool>(c"is_active")? {
                return Ok(None);
            }
            let arrived_at = clock::now()?;
            let last_chat_at = row.nullable(c"last_chat_at")?;
            let mut viewer_row = Self {
                user,
                is_active: true,
                arrived_at,
                backlog_us: backlog_us(row.column(c"chat_tat")?, arrived_at),
                silent_ms: silent_ms(last_chat_at, arrived_at),
                counted: None,
            };
            let Ok(spent_us) = limit.take(viewer_row.backlog_us) else {
                full = Some(viewer_row);
                return Ok(None);
            };
            viewer_row.counted = Some(CountedMessage {
                backlog_us: spent_us,
                last_chat_at,
            });
            let changes: Values<3> = [
                (c"chat_tat", after(arrived_at, spent_us)?.into()),
                (c"last_chat_at", arrived_at.into()),
                (c"last_seen_at", arrived_at.into()),
            ];
            Ok(Some((viewer_row, changes)))
        })?;
        Ok(counted.or(full))
    }

    /// Undoes `lock_and_count`, for a retry of a stored message.
    pub fn uncount(&self, admitted: Admitted, session: Uuid) -> Result<()> {
        match self.counted {
            Some(counted) => self.count(admitted, session, self.backlog_us, counted.last_chat_at),
            None => Ok(()),
        }
    }

    /// Counts one message with the given backlog, unless `lock_and_count` has already stored it.
    pub fn settle(&self, admitted: Admitted, session: Uuid, spent_us: i64) -> Result<()> {
        match self.counted {
            Some(counted) if counted.backlog_us == spent_us => Ok(()),
            _ => self.count(admitted, session, spent_us, Some(self.arrived_at)),
        }
    }

    fn count(
        &self,
        admitted: Admitted,
        session: Uuid,
        backlog_us: i64,
        last_chat_at: Option<TimestampWithTimeZone>,
    ) -> Result<()> {
        let tat = after(self.arrived_at, backlog_us)?;
        VIEWERS
            .update(admitted, &[session, self.user], |_| {
                let changes: Values<3> = [
                    (c"chat_tat", tat.into()),
                    (c"last_chat_at", last_chat_at.into()),
                    (c"last_seen_at", self.arrived_at.into()),
                ];
                Ok(Some(((), changes)))
            })
            .map(|_| ())
    }

    /// Locks the row of a user who is or was a viewer, unless somebody holds it.
    pub fn lock_free(admitted: Admitted, session: Uuid, user: Uuid) -> Result<Locked<Self>> {
        let mode = pg_sys::LockTupleMode::LockTupleNoKeyExclusive;
        VIEWERS.lock(admitted, &[session, user], mode, Waiting::Skip, |row| {
            Self::read(row, user)
        })
    }

    fn read(row: &Row, user: Uuid) -> Result<Self> {
        let arrived_at = clock::now()?;
        Ok(Self {
            user,
            is_active: row.column(c"is_active")?,
            arrived_at,
            backlog_us: backlog_us(row.column(c"chat_tat")?, arrived_at),
            silent_ms: silent_ms(row.nullable(c"last_chat_at")?, arrived_at),
            counted: None,
        })
    }
}

/// Stores the rate limiters of these users, whose rows are locked.
pub fn set_tats(session: Uuid, users: Vec<Uuid>, tats: Vec<TimestampWithTimeZone>) -> Result<()> {
    let arguments: [DatumWithOid<'_>; 3] = [session.into(), users.into(), tats.into()];
    spi::execute(&SET, &arguments).map(|_| ())
}

fn silent_ms(
    last_chat_at: Option<TimestampWithTimeZone>,
    now: TimestampWithTimeZone,
) -> Option<i64> {
    last_chat_at
        .map(|at| now.into_inner().saturating_sub(at.into_inner()))
        .filter(|silent_us| *silent_us >= 0)
        .map(|silent_us| silent_us / 1000)
}

fn after(time: TimestampWithTimeZone, microseconds: i64) -> Result<TimestampWithTimeZone> {
    clock::from_microseconds(time.into_inner().saturating_add(microseconds))
}
