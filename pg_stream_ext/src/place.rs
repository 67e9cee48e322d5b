//! Does a user hold a place among the viewers, and how much have they written from it?
//!
//! The viewer's row is locked before the head row (lock order), so that one user's messages are
//! counted one after the other.

use pgrx::datum::{DatumWithOid, Interval, TimestampWithTimeZone, Uuid};
use pgrx::spi::SpiHeapTupleData;

use crate::clock;
use crate::error::{Failure, Result};
use crate::spi::{self, column, nullable, statements};

/// Two readings of the clock in one statement lie closer together.
const SAME_TIME_US: u64 = 1000;

statements! {
    /// Locks the row of a viewer and counts one more message, which is the usual case; $3 is what
    /// that costs. The times are taken once the row is locked, so that waiting for it counts as
    /// silence.
    COUNT_ONE: Write [UUIDOID, UUIDOID, INTERVALOID]
        "update stream.stream_viewers as v
         set chat_tat = greatest(v.chat_tat, clock_timestamp()) + $3,
             last_chat_at = clock_timestamp(),
             chat_before_at = v.last_chat_at
         where v.session_id = $1 and v.user_id = $2 and v.is_active
         returning v.chat_tat, v.last_chat_at, v.chat_before_at";

    UNCOUNT_ONE: Write [UUIDOID, UUIDOID, INTERVALOID]
        "update stream.stream_viewers as v
         set chat_tat = v.chat_tat - $3, last_chat_at = v.chat_before_at
         where v.session_id = $1 and v.user_id = $2";

    /// One look-up for each user, in the order of the array, and never all viewers of the session.
    LOCK: Write [UUIDOID, UUIDARRAYOID]
        "select p.*
         from unnest($2) as u (id)
         cross join lateral (
             select v.user_id, v.is_active, v.chat_tat, v.last_chat_at
             from stream.stream_viewers as v
             where v.session_id = $1 and v.user_id = u.id
             for no key update
         ) as p";

    SET: Write [UUIDOID, UUIDARRAYOID, TIMESTAMPTZARRAYOID]
        "update stream.stream_viewers as v
         set chat_tat = u.tat, last_chat_at = clock_timestamp()
         from unnest($2, $3) as u (id, tat)
         where v.session_id = $1 and v.user_id = u.id";
}

/// A locked row of a viewer.
pub struct Place {
    pub user: Uuid,
    pub is_active: bool,
    /// When the row was locked. What is written counts from then: waiting for the head row costs
    /// nothing.
    pub arrived_at: TimestampWithTimeZone,
    /// How far the rate limiter was ahead of that time.
    pub backlog_us: i64,
    /// Milliseconds since the last message; nothing when there was none, or when the clock was set
    /// back behind it.
    pub silent_ms: Option<i64>,
    /// What the row says already of a message that is on its way.
    counted_tat: Option<TimestampWithTimeZone>,
}

impl Place {
    /// Takes the place of a user who holds a lease for one message that costs `interval_ms`.
    pub fn take(session: Uuid, user: Uuid, interval_ms: i32) -> Result<Option<Self>> {
        let arguments = [session.into(), user.into(), cost(interval_ms)?.into()];
        spi::first(&COUNT_ONE, &arguments, |row| {
            let tat: TimestampWithTimeZone = column(row, 1)?;
            let arrived_at = column(row, 2)?;
            Ok(Self {
                user,
                is_active: true,
                arrived_at,
                backlog_us: (backlog_us(tat, arrived_at) - i64::from(interval_ms) * 1000).max(0),
                silent_ms: silent_ms(nullable(row, 3)?, arrived_at),
                counted_tat: Some(tat),
            })
        })
    }

    /// Undoes `take`, for a message that was stored before.
    pub fn give_back(&self, session: Uuid, interval_ms: i32) -> Result<()> {
        let arguments = [session.into(), self.user.into(), cost(interval_ms)?.into()];
        spi::execute(&UNCOUNT_ONE, &arguments).map(|_| ())
    }

    /// Locks the rows of those users who are or were viewers; `users` are in ascending order.
    pub fn lock(session: Uuid, users: &[Uuid]) -> Result<Vec<Self>> {
        spi::run(&LOCK, &[session.into(), users.to_vec().into()], |rows| {
            let arrived_at = clock::now()?;
            rows.map(|row| Self::read(&row, arrived_at)).collect()
        })
    }

    fn read(row: &SpiHeapTupleData<'_>, arrived_at: TimestampWithTimeZone) -> Result<Self> {
        Ok(Self {
            user: column(row, 1)?,
            is_active: column(row, 2)?,
            arrived_at,
            backlog_us: backlog_us(column(row, 3)?, arrived_at),
            silent_ms: silent_ms(nullable(row, 4)?, arrived_at),
            counted_tat: None,
        })
    }

    /// Whether the row says this already.
    pub fn counts_as(&self, tat: TimestampWithTimeZone) -> bool {
        self.counted_tat
            .is_some_and(|counted| counted.into_inner().abs_diff(tat.into_inner()) < SAME_TIME_US)
    }
}

/// Keeps the rate limiters of these users, whose rows are locked.
pub fn set_tats(session: Uuid, users: Vec<Uuid>, tats: Vec<TimestampWithTimeZone>) -> Result<()> {
    let arguments: [DatumWithOid<'_>; 3] = [session.into(), users.into(), tats.into()];
    spi::execute(&SET, &arguments).map(|_| ())
}

/// How far a rate limiter is ahead of the clock.
pub fn backlog_us(tat: TimestampWithTimeZone, now: TimestampWithTimeZone) -> i64 {
    tat.into_inner().saturating_sub(now.into_inner()).max(0)
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

fn cost(interval_ms: i32) -> Result<Interval> {
    Interval::new(0, 0, i64::from(interval_ms.max(1)) * 1000)
        .map_err(|_| Failure::Row("an interval is out of range"))
}
