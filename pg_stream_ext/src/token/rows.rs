//! What do the rows say about a user who asks for a token, and what is written down of it?
//!
//! Two statements on the common path: the first takes the locks, judges and notes the token where the
//! heartbeat looks; the second, with the snapshot of after the locks, stores its hash.

use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use pgrx::spi::SpiHeapTupleData;
use stream_core::agora::Role;
use stream_core::error::ErrorCode;

use crate::certificate::Configuration;
use crate::error::{Failure, Result};
use crate::gate;
use crate::spi::{self, Statement, column, nullable, statements};

/// Between the first statement and the question why it found nothing, the answer can change.
const ATTEMPTS: usize = 3;

/// Seconds that a token may live at time `$3`: no longer than the stream can, but long enough to be of
/// use when the sweep is late.
macro_rules! life_s {
    () => {
        "least(c.token_ttl_s, greatest(60,
             extract(epoch from s.created_at)::bigint + c.max_duration_s - $3::bigint))::integer"
    };
}

/// The theoretical arrival time of the token after this one. One that no rate can have led to was
/// written before the clock was set back.
macro_rules! next_tat {
    ($tat:literal) => {
        concat!(
            "(case when ",
            $tat,
            " between now() and now() + interval '1 minute' then ",
            $tat,
            " else now() end + interval '1 minute' / c.token_rate_per_minute)"
        )
    };
}

/// Whether the token after this one may still come within the minute; `$4` is the [`Charge`].
macro_rules! is_within_rate {
    ($tat:literal) => {
        concat!(
            "($4 < 2 or ",
            next_tat!($tat),
            " <= now() + interval '1 minute')"
        )
    };
}

macro_rules! tat_after {
    ($tat:literal) => {
        concat!(
            "case when $4 = 0 then ",
            $tat,
            " else least(",
            next_tat!($tat),
            ", now() + interval '1 minute') end"
        )
    };
}

statements! {
    /// The lease's lock does for the session's: a stream that ends closes every lease before it retires
    /// the tokens, so it waits for this one, or has taken the lease away.
    GRANT_VIEWER: Write [TEXTOID, UUIDOID, FLOAT8OID, INT4OID]
        concat!(
            "update stream.stream_viewers as v
             set token_issued_at = to_timestamp($3),
                 token_expires_at = to_timestamp($3 + ", life_s!(), "),
                 token_tat = ", tat_after!("v.token_tat"), "
             from stream.stream_sessions as s
             cross join stream.config as c
             where s.channel_id = $1 and v.session_id = s.id and v.user_id = $2 and v.is_active and s.state <> 'ended'
                 and ", is_within_rate!("v.token_tat"), "
             returning v.session_id, v.agora_uid::integer, ", life_s!(), ", c.agora_app_id, c.agora_certificate_secret"
        );

    GRANT_HOST: Write [TEXTOID, UUIDOID, FLOAT8OID, INT4OID]
        concat!(
            "update stream.stream_sessions as s
             set host_token_issued_at = to_timestamp($3),
                 host_token_expires_at = to_timestamp($3 + ", life_s!(), "),
                 host_token_tat = ", tat_after!("s.host_token_tat"), "
             from stream.config as c
             where s.channel_id = $1 and s.seller_id = $2 and s.state <> 'ended'
                 and ", is_within_rate!("s.host_token_tat"), "
             returning s.id, s.generation, ", life_s!(), ", c.agora_app_id, c.agora_certificate_secret"
        );

    /// Why neither found anything: how things stand, and how long the rate lets them wait.
    SITUATION: Write [TEXTOID, UUIDOID]
        concat!(
            "select s.state = 'ended', s.seller_id = $2, v.user_id is not null,
                 ceil(extract(epoch from case when s.seller_id = $2
                     then ", next_tat!("s.host_token_tat"), "
                     else ", next_tat!("v.token_tat"), " end - now() - interval '1 minute') * 1000)::bigint,
                 exists (
                     select from stream.chat_restrictions as r
                     where r.session_id = s.id and r.user_id = $2 and r.kind = 'ban'
                         and (r.until is null or r.until > now()))
             from stream.stream_sessions as s
             cross join stream.config as c
             left join stream.stream_viewers as v
                 on v.session_id = s.id and v.user_id = $2 and v.is_active
             where s.channel_id = $1"
        );

    HOST_TOKEN_DUE: Write [UUIDOID]
        "select s.host_token_issued_at + 0.75 * (s.host_token_expires_at - s.host_token_issued_at) <= now()
             and s.host_token_issued_at <= now() - interval '30 seconds'
         from stream.stream_sessions as s where s.id = $1";

    RETIRE: Write [UUIDOID, UUIDOID]
        "update stream.agora_tokens set is_active = false
         where session_id = $1 and user_id = $2 and is_active";

    STORE: Write [UUIDOID, UUIDOID, TEXTOID, TEXTOID, INT4OID, BOOLOID, FLOAT8OID, INT4OID]
        "insert into stream.agora_tokens
             (user_id, session_id, token_hash, channel_id, uid, privileges, created_at, expires_at)
         select $1, $2, $3, $4, $5,
             case when $6 then '{\"can_publish\": true, \"can_subscribe\": true, \"can_admin\": true}'::jsonb
                  else '{\"can_publish\": false, \"can_subscribe\": true, \"can_admin\": false}'::jsonb end,
             to_timestamp($7), to_timestamp($7 + $8)
         where not exists (
             select from stream.chat_restrictions as r
             where r.session_id = $2 and r.user_id = $1 and r.kind = 'ban'
                 and (r.until is null or r.until > now()))
         returning expires_at";
}

/// What a token costs of its user's rate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    Free = 0,
    /// Counts, and is never refused.
    Counted = 1,
    /// Counts, and is refused beyond the rate.
    Limited = 2,
}

/// What is asked for.
pub struct Ask<'a> {
    pub user: Uuid,
    pub channel: &'a str,
    /// Nothing: what the user is.
    pub role: Option<Role>,
    pub charge: Charge,
    /// Unix seconds.
    pub issued_at: u32,
}

/// What the rows say about one user on one channel.
pub struct Grant {
    pub session: Uuid,
    pub role: Role,
    /// The generation of the host, or the uid of the viewer.
    pub number: i32,
    pub life_s: i32,
    pub configuration: Configuration,
}

impl Grant {
    fn read(row: &SpiHeapTupleData<'_>, role: Role) -> Result<Self> {
        Ok(Self {
            session: column(row, 1)?,
            role,
            number: column(row, 2)?,
            life_s: column(row, 3)?,
            configuration: Configuration {
                app_id: nullable(row, 4)?,
                certificate_secret: column(row, 5)?,
                secondary_secret: None,
            },
        })
    }
}

/// Takes the locks and notes the token, or says why there is none.
pub fn grant(ask: &Ask<'_>) -> Result<Grant> {
    for _ in 0..ATTEMPTS {
        for role in [Role::Subscriber, Role::Publisher] {
            if ask.role.is_none_or(|asked| asked == role)
                && let Some(grant) = grant_as(role, ask)?
            {
                return Ok(grant);
            }
        }
        refuse(ask)?;
    }
    Err(ErrorCode::LockTimeout.into())
}

fn grant_as(role: Role, ask: &Ask<'_>) -> Result<Option<Grant>> {
    // The host's token changes the session's row; a channel is named by its session's id.
    if role == Role::Publisher
        && let Ok(session) = uuid::Uuid::try_parse(ask.channel)
    {
        gate::close(Uuid::from_bytes(*session.as_bytes()))?;
    }
    let statement: &'static std::thread::LocalKey<Statement> = match role {
        Role::Publisher => &GRANT_HOST,
        Role::Subscriber => &GRANT_VIEWER,
    };
    let arguments = [
        ask.channel.into(),
        ask.user.into(),
        f64::from(ask.issued_at).into(),
        (ask.charge as i32).into(),
    ];
    spi::first(statement, &arguments, |row| Grant::read(row, role))
}

/// Nothing when the rows would allow it by now.
fn refuse(ask: &Ask<'_>) -> Result<()> {
    let situation = spi::first(&SITUATION, &[ask.channel.into(), ask.user.into()], |row| {
        Ok((
            column::<bool>(row, 1)?,
            column::<bool>(row, 2)?,
            column::<bool>(row, 3)?,
            column::<i64>(row, 4)?,
            column::<bool>(row, 5)?,
        ))
    })?;
    let (has_ended, is_seller, is_viewer, wait_ms, is_banned) =
        situation.ok_or(ErrorCode::ChannelNotFound)?;
    match ask.role {
        Some(Role::Publisher) if !is_seller => return Err(ErrorCode::NotStreamOwner.into()),
        _ if has_ended => return Err(ErrorCode::StreamEnded.into()),
        // A ban has ended the lease; the ban is what there is to say.
        _ if is_banned => return Err(ErrorCode::Banned.into()),
        Some(Role::Subscriber) if !is_viewer => return Err(ErrorCode::NotViewer.into()),
        None if !is_seller && !is_viewer => return Err(ErrorCode::NotViewer.into()),
        _ => {}
    }
    match u64::try_from(wait_ms) {
        Ok(wait_ms) if wait_ms > 0 && ask.charge == Charge::Limited => {
            Err(Failure::retry_after(ErrorCode::RateLimited, wait_ms))
        }
        _ => Ok(()),
    }
}

/// Marks what the user holds already.
pub fn retire(session: Uuid, user: Uuid) -> Result<()> {
    spi::execute(&RETIRE, &[session.into(), user.into()]).map(|_| ())
}

/// Writes the hash down and answers when the token expires; nothing for a user who is banned.
pub fn store(
    ask: &Ask<'_>,
    grant: &Grant,
    uid: i32,
    token_hash: &str,
) -> Result<Option<TimestampWithTimeZone>> {
    let arguments: [DatumWithOid<'_>; 8] = [
        ask.user.into(),
        grant.session.into(),
        token_hash.into(),
        ask.channel.into(),
        uid.into(),
        (grant.role == Role::Publisher).into(),
        f64::from(ask.issued_at).into(),
        grant.life_s.into(),
    ];
    spi::first(&STORE, &arguments, |row| column(row, 1))
}

/// Whether the host's newest token is past 75 % of its life and at least 30 s old. A viewer's is known
/// from the lease row.
pub fn is_host_token_due(session: Uuid) -> Result<bool> {
    let due = spi::first(&HOST_TOKEN_DUE, &[session.into()], |row| nullable(row, 1))?;
    Ok(due.flatten().unwrap_or(false))
}
