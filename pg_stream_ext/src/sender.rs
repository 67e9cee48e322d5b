//! Who may write into a stream's chat, and how often?
//!
//! The viewer's row is locked before the head row (lock order), so that one user's messages are
//! counted one after the other; everything else is read after the head row is held, so that a mute,
//! a ban or another chat mode that was committed before counts.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::pg_sys;
use pgrx::spi::SpiHeapTupleData;
use stream_core::blocked_term::searchable;
use stream_core::error::ErrorCode;
use stream_core::rate::Limit;

use crate::caller::Caller;
use crate::epoch::{epoch_origin, epoch_sql};
use crate::error::{Failure, Result};
use crate::log::microseconds;
use crate::spi::{self, column, nullable, statements};

const BAN: i32 = 2;
const MUTE: i32 = 1;

/// The columns of a viewer `v` that `Place::read` reads.
macro_rules! place_columns {
    () => {
        "v.user_id, v.is_active, v.chat_tat, v.last_chat_at"
    };
}

statements! {
    LOCK_PLACE: Write [UUIDOID, UUIDOID]
        concat!("select ", place_columns!(), "
             from stream.stream_viewers as v
             where v.session_id = $1 and v.user_id = $2
             for no key update");

    /// One look-up for each user, in the order of the array, and never all viewers of the session.
    LOCK_PLACES: Write [UUIDOID, UUIDARRAYOID]
        concat!("select p.*
             from unnest($2) as u (id)
             cross join lateral (
                 select ", place_columns!(), "
                 from stream.stream_viewers as v
                 where v.session_id = $1 and v.user_id = u.id
                 for no key update
             ) as p");

    /// What decides whether these users may write here.
    SENDERS: Write [UUIDOID, UUIDARRAYOID, TEXTOID]
        concat!(
            "select
                 u.id,
                 s.seller_id = u.id,
                 s.seller_id = u.id or coalesce(stream.hook_can_chat(u.id, s.id), false),
                 stream.hook_username(u.id),
                 c.anonymous_users_may_chat,
                 s.chat_mode,
                 s.slow_mode_ms,
                 case when s.seller_id = u.id then c.host_chat_interval_ms else c.chat_interval_ms end,
                 case when s.seller_id = u.id then c.host_chat_burst else c.chat_burst end,
                 coalesce(r.kinds, 0),
                 extract(epoch from nullif(r.until, 'infinity') - clock_timestamp())::float8,
                 exists (select from stream.blocked_terms as b
                     where b.session_id = s.id or b.session_id is null),
                 ", epoch_sql!("$3"), "
             from stream.stream_sessions as s
             cross join stream.config as c
             cross join unnest($2) as u (id)
             left join lateral (
                 select bit_or(case r.kind when 'ban' then 2 else 1 end) as kinds,
                     max(coalesce(r.until, 'infinity')) filter (where r.kind = 'mute') as until
                 from stream.chat_restrictions as r
                 where r.session_id = s.id and r.user_id = u.id
                     and (r.until is null or r.until > clock_timestamp())
             ) as r on true
             where s.id = $1"
        );

    IS_BLOCKED: Write [UUIDOID, TEXTOID]
        "select exists (select from stream.blocked_terms as b
                 where b.session_id = $1 and strpos($2, b.pattern) > 0)
             or exists (select from stream.blocked_terms as b
                 where b.session_id is null and strpos($2, b.pattern) > 0)";

    CAN_MODERATE: Write [UUIDOID, UUIDOID]
        "select coalesce(stream.hook_can_moderate($1, $2), false)";

    IS_VERIFIED: Write [UUIDOID]
        "select coalesce(stream.hook_is_verified($1), false)";
}

/// A locked row of a viewer.
pub struct Place {
    user: Uuid,
    is_active: bool,
    arrived_at: TimestampWithTimeZone,
    backlog_us: i64,
    /// Milliseconds since the last message; nothing when there was none, or when the clock was set
    /// back behind it.
    silent_ms: Option<i64>,
}

/// What the rows say about one user as a writer, and how much they have written.
pub struct Sender {
    pub user: Uuid,
    pub is_seller: bool,
    pub username: Option<String>,
    pub epoch: String,
    /// When the viewer's row was locked. What is written counts from then: waiting for the head row
    /// costs nothing.
    pub arrived_at: Option<TimestampWithTimeZone>,
    /// How far the rate limiter is ahead of that time, after what was accepted.
    pub backlog_us: i64,
    holds_lease: bool,
    silent_ms: Option<i64>,
    can_chat: bool,
    anonymous_users_may_chat: bool,
    chat_mode: String,
    slow_mode_ms: i64,
    limit: Limit,
    restrictions: i32,
    muted_ms: Option<u64>,
    has_blocked_terms: bool,
}

impl Place {
    fn read(row: &SpiHeapTupleData<'_>, arrived_at: TimestampWithTimeZone) -> Result<Self> {
        let now = arrived_at.into_inner();
        let tat: TimestampWithTimeZone = column(row, 3)?;
        let last_chat_at: Option<TimestampWithTimeZone> = nullable(row, 4)?;
        Ok(Self {
            user: column(row, 1)?,
            is_active: column(row, 2)?,
            arrived_at,
            backlog_us: tat.into_inner().saturating_sub(now).max(0),
            silent_ms: last_chat_at
                .map(|at| now.saturating_sub(at.into_inner()))
                .filter(|silent_us| *silent_us >= 0)
                .map(|silent_us| silent_us / 1000),
        })
    }
}

/// Locks the row of a user who is or was a viewer.
pub fn lock_place(session: Uuid, user: Uuid) -> Result<Option<Place>> {
    spi::first(&LOCK_PLACE, &[session.into(), user.into()], |row| {
        Place::read(row, now()?)
    })
}

/// Locks the rows of those users who are or were viewers; `users` are in ascending order.
pub fn lock_places(session: Uuid, users: &[Uuid]) -> Result<Vec<Place>> {
    spi::run(
        &LOCK_PLACES,
        &[session.into(), users.to_vec().into()],
        |rows| {
            let arrived_at = now()?;
            rows.map(|row| Place::read(&row, arrived_at)).collect()
        },
    )
}

/// Read once the rows are locked, so that waiting for them counts as silence.
fn now() -> Result<TimestampWithTimeZone> {
    // SAFETY: reads the clock.
    let now = unsafe { pg_sys::GetCurrentTimestamp() };
    TimestampWithTimeZone::try_from(now).map_err(|_| Failure::Row("the clock is out of range"))
}

/// Reads what decides about these users. The head row is held.
pub fn read_senders(
    session: Uuid,
    users: &[Uuid],
    places: &[Place],
    host_backlog_us: i64,
) -> Result<Vec<Sender>> {
    let arguments = [session.into(), users.to_vec().into(), epoch_origin().into()];
    spi::run(&SENDERS, &arguments, |rows| {
        rows.map(|row| {
            let user: Uuid = column(&row, 1)?;
            let is_seller = column(&row, 2)?;
            let place = places.iter().find(|place| place.user == user);
            Ok(Sender {
                user,
                is_seller,
                can_chat: column(&row, 3)?,
                username: nullable(&row, 4)?,
                anonymous_users_may_chat: column(&row, 5)?,
                chat_mode: column(&row, 6)?,
                slow_mode_ms: i64::from(column::<i32>(&row, 7)?),
                limit: Limit::new(
                    column::<i32>(&row, 8)?.unsigned_abs(),
                    column::<i32>(&row, 9)?.unsigned_abs(),
                ),
                restrictions: column(&row, 10)?,
                muted_ms: nullable::<f64>(&row, 11)?
                    .map(|seconds| (microseconds(seconds) / 1000).unsigned_abs()),
                has_blocked_terms: column(&row, 12)?,
                epoch: column(&row, 13)?,
                arrived_at: place.map(|place| place.arrived_at),
                backlog_us: match place {
                    _ if is_seller => host_backlog_us,
                    Some(place) => place.backlog_us,
                    None => 0,
                },
                holds_lease: place.is_some_and(|place| place.is_active),
                silent_ms: place.and_then(|place| place.silent_ms),
            })
        })
        .collect()
    })
}

impl Sender {
    /// Refuses, or counts one more message.
    pub fn accept(&mut self, caller: Caller, session: Uuid, content: &str) -> Result<()> {
        self.admit(caller, session)?;
        let spent = self.limit.take(self.backlog_us).map_err(|wait_us| {
            Failure::retry_after(ErrorCode::RateLimited, wait_us.div_ceil(1000))
        })?;
        self.wait_out_slow_mode(session)?;
        if self.has_blocked_terms && is_blocked(session, content)? {
            return Err(ErrorCode::ContentBlocked.into());
        }
        self.backlog_us = spent;
        self.silent_ms = Some(0);
        Ok(())
    }

    fn admit(&self, caller: Caller, session: Uuid) -> Result<()> {
        let is_anonymous = matches!(
            caller,
            Caller::User {
                is_anonymous: true,
                ..
            }
        );
        if is_anonymous && !self.anonymous_users_may_chat {
            return Err(ErrorCode::AnonymousUser.into());
        }
        if self.restrictions & BAN != 0 {
            return Err(ErrorCode::Banned.into());
        }
        if !self.is_seller && !self.holds_lease {
            return Err(ErrorCode::NotViewer.into());
        }
        if !self.can_chat || self.username.is_none() {
            return Err(ErrorCode::CannotChat.into());
        }
        if self.restrictions & MUTE != 0 {
            return Err(match self.muted_ms {
                Some(wait_ms) => Failure::retry_after(ErrorCode::Muted, wait_ms),
                None => ErrorCode::Muted.into(),
            });
        }
        if self.is_in_mode(session)? {
            Ok(())
        } else {
            Err(ErrorCode::ChatClosed.into())
        }
    }

    fn is_in_mode(&self, session: Uuid) -> Result<bool> {
        match self.chat_mode.as_str() {
            "viewers" => Ok(true),
            "nobody" => Ok(false),
            _ if self.is_seller => Ok(true),
            "verified" => {
                Ok(asks(&IS_VERIFIED, &[self.user.into()])? || self.is_moderator(session)?)
            }
            "hosts" => self.is_moderator(session),
            _ => Err(Failure::Row("unknown chat mode in the table")),
        }
    }

    fn wait_out_slow_mode(&self, session: Uuid) -> Result<()> {
        let Some(silent_ms) = self.silent_ms else {
            return Ok(());
        };
        let wait_ms = self.slow_mode_ms - silent_ms;
        if wait_ms <= 0 || self.is_seller || self.is_moderator(session)? {
            return Ok(());
        }
        Err(Failure::retry_after(
            ErrorCode::SlowMode,
            wait_ms.unsigned_abs(),
        ))
    }

    fn is_moderator(&self, session: Uuid) -> Result<bool> {
        asks(&CAN_MODERATE, &[self.user.into(), session.into()])
    }
}

fn is_blocked(session: Uuid, content: &str) -> Result<bool> {
    asks(&IS_BLOCKED, &[session.into(), searchable(content).into()])
}

fn asks(
    statement: &'static std::thread::LocalKey<spi::Statement>,
    arguments: &[pgrx::datum::DatumWithOid<'_>],
) -> Result<bool> {
    Ok(spi::first(statement, arguments, |row| column(row, 1))? == Some(true))
}
