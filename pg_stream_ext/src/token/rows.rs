//! What the rows say about a user who asks for a token, and what is noted of it.
//!
//! The row of the lease, or of the stream, is locked and notes the token where the heartbeat looks; what
//! is read after that counts. The rows are found by their keys without statements, which would cost more
//! than all the rest of a token.

use std::ffi::CStr;

use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use stream_core::agora::Role;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;

use crate::clock;
use crate::moderation::active_restrictions;
use crate::postgres::error::Result;
use crate::postgres::keyed::{Row, Table, Values};
use crate::postgres::spi::{self, statements};
use crate::rate::{Rate, Verdict};
use crate::stream::gate;
use crate::stream::state;
use crate::token::certificate::Signer;
use crate::token::host::note_host;
use crate::token::renewal::TokenColumns;
use crate::token::settings::Settings;

/// Between the look at the rows and the question why they allow nothing, the answer can change.
const ATTEMPTS: usize = 3;

pub static SESSIONS: Table = Table::new(c"stream_sessions");
static VIEWERS: Table = Table::new(c"stream_viewers");

statements! {
    RETIRE: Write [UUIDOID, UUIDOID]
        "update stream.agora_tokens set is_active = false
         where session_id = $1 and user_id = $2 and is_active";
}

/// What a token costs of its user's rate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    Free,
    /// Counts, and is refused beyond the rate.
    Limited,
}

/// What is asked for.
pub struct Ask<'a> {
    pub user: Uuid,
    pub channel: &'a str,
    /// Nothing: what the user is.
    pub role: Option<Role>,
    /// Of the host who asks; nothing: whichever is the newest.
    pub generation: Option<i32>,
    pub charge: Charge,
    /// Unix seconds.
    pub issued_at: u32,
}

impl Ask<'_> {
    /// Whether another device of the seller has taken over.
    pub fn refuse_stale(&self, newest: i32) -> Result<()> {
        match self.generation {
            Some(generation) if generation != newest => Err(ErrorCode::StaleHost.into()),
            _ => Ok(()),
        }
    }
}

/// What the rows say about one user on one channel.
pub struct Grant {
    pub session: Uuid,
    pub role: Role,
    /// The generation of the host, or the uid of the viewer.
    pub number: i32,
    pub life_s: i32,
    pub expires_at: TimestampWithTimeZone,
}

/// What tokens are signed with, read before anything is locked: where an operator has to mend something, a
/// refusal costs no write. Whoever may have no token hears why, and not that.
pub fn signer(ask: &Ask<'_>) -> Result<Signer> {
    let signer = Settings::read()?.configuration.signer();
    if signer.is_err() {
        refuse(ask)?;
    }
    signer
}

/// Takes the lock and notes the token, or says why there is none.
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
    let Some(session) = session_of(ask.channel) else {
        return Ok(None);
    };
    // The host's token changes the session's row. Whoever is not the seller locks nothing.
    if role == Role::Publisher {
        if !is_seller(session, ask.user)? {
            return Ok(None);
        }
        gate::close(session)?;
    }
    let settings = Settings::read()?;
    let Some(created_at) = SESSIONS.find(&[session], |row| is_open(row, ask.channel))? else {
        return Ok(None);
    };
    let life_s = settings.life_s(created_at, ask.issued_at)?;
    let noted = Noted::new(ask.issued_at, life_s)?;
    let number = match role {
        Role::Subscriber => note_viewer(session, ask, settings.rate, &noted)?,
        Role::Publisher => note_host(session, ask, settings.rate, &noted)?,
    };
    let Some(number) = number else {
        return Ok(None);
    };
    // Looked at after the lock, so that a ban that came while this waited counts.
    if active_restrictions::in_force(session, ask.user)?.is_banned {
        return Err(ErrorCode::Banned.into());
    }
    Ok(Some(Grant {
        session,
        role,
        number,
        life_s,
        expires_at: noted.expires_at,
    }))
}

/// The seller of a stream never changes.
fn is_seller(session: Uuid, user: Uuid) -> Result<bool> {
    let is_seller = SESSIONS.find(&[session], |stream| {
        Ok(Some(stream.column::<Uuid>(c"seller_id")? == user))
    })?;
    Ok(is_seller.unwrap_or(false))
}

/// When the stream on the channel was created, unless it has ended.
pub fn is_open(row: &Row, channel: &str) -> Result<Option<TimestampWithTimeZone>> {
    if row.column::<&str>(c"channel_id")? != channel || has_ended(row)? {
        return Ok(None);
    }
    row.column(c"created_at").map(Some)
}

fn has_ended(stream: &Row) -> Result<bool> {
    Ok(state::read(stream.column(c"state")?)? == StreamState::Ended)
}

/// What the heartbeat looks at.
pub struct Noted {
    pub issued_at: TimestampWithTimeZone,
    pub expires_at: TimestampWithTimeZone,
}

impl Noted {
    pub fn new(issued_at: u32, life_s: i32) -> Result<Self> {
        Ok(Self {
            issued_at: clock::timestamp(issued_at.into())?,
            expires_at: clock::timestamp(i64::from(issued_at) + i64::from(life_s))?,
        })
    }

    /// When the token ends that the user may still hold after a renewal, of which only the device knows
    /// whether it arrived: until a token was minted after the end of the older one, that is the older one's.
    pub fn held_until(&self, row: &Row, columns: &TokenColumns) -> Result<TimestampWithTimeZone> {
        let newest: Option<TimestampWithTimeZone> = row.nullable(columns.issued_at)?;
        let held = row.nullable::<TimestampWithTimeZone>(columns.held_until)?;
        let held = held.filter(|held| newest.is_some_and(|newest| newest < *held));
        Ok(held.unwrap_or(self.expires_at))
    }
}

/// The lease's lock does for the session's: a stream that ends closes every lease before it retires the
/// tokens, so it waits for this one, or has taken the lease away.
fn note_viewer(session: Uuid, ask: &Ask<'_>, rate: Rate, noted: &Noted) -> Result<Option<i32>> {
    VIEWERS.update(&[session, ask.user], |lease| {
        if !lease.column::<bool>(c"is_active")? {
            return Ok(None);
        }
        let Some(tat) = charged(lease, c"token_tat", rate, ask.charge)? else {
            return Ok(None);
        };
        let changes: Values<4> = [
            (c"token_issued_at", noted.issued_at.into()),
            (c"token_expires_at", noted.expires_at.into()),
            (c"token_held_until", noted.expires_at.into()),
            (c"token_tat", tat),
        ];
        Ok(Some((lease.column(c"agora_uid")?, changes)))
    })
}

/// The new value of the column that holds the rate; nothing: the token must wait.
pub fn charged(
    row: &Row,
    column: &CStr,
    rate: Rate,
    charge: Charge,
) -> Result<Option<DatumWithOid<'static>>> {
    let noted = row.nullable::<TimestampWithTimeZone>(column)?;
    if charge == Charge::Free {
        return Ok(Some(noted.into()));
    }
    Ok(match rate.judge(noted)? {
        Verdict::Pass(tat) => Some(tat.into()),
        Verdict::Wait(_) => None,
    })
}

/// Nothing when the rows would allow it by now.
fn refuse(ask: &Ask<'_>) -> Result<()> {
    let session = session_of(ask.channel).ok_or(ErrorCode::ChannelNotFound)?;
    let stream = SESSIONS.find(&[session], |stream| {
        let is_seller = stream.column::<Uuid>(c"seller_id")? == ask.user;
        let tat: Option<TimestampWithTimeZone> = stream.nullable(c"host_token_tat")?;
        let is_meant = stream.column::<&str>(c"channel_id")? == ask.channel;
        let has_ended = has_ended(stream)?;
        Ok(is_meant.then_some((has_ended, is_seller, tat)))
    })?;
    let (has_ended, is_seller, host_tat) = stream.ok_or(ErrorCode::ChannelNotFound)?;
    let viewer_tat = VIEWERS.find(&[session, ask.user], |lease| {
        let tat: Option<TimestampWithTimeZone> = lease.nullable(c"token_tat")?;
        Ok(lease.column::<bool>(c"is_active")?.then_some(tat))
    })?;
    let is_viewer = viewer_tat.is_some();
    match ask.role {
        Some(Role::Publisher) if !is_seller => return Err(ErrorCode::NotStreamOwner.into()),
        _ if has_ended => return Err(ErrorCode::StreamEnded.into()),
        // A ban has ended the lease; the ban is what there is to say.
        _ if active_restrictions::in_force(session, ask.user)?.is_banned => {
            return Err(ErrorCode::Banned.into());
        }
        Some(Role::Subscriber) if !is_viewer => return Err(ErrorCode::NotViewer.into()),
        None if !is_seller && !is_viewer => return Err(ErrorCode::NotViewer.into()),
        _ => {}
    }
    let tat = if is_seller {
        host_tat
    } else {
        viewer_tat.flatten()
    };
    if ask.charge == Charge::Free {
        return Ok(());
    }
    Settings::read()?.rate.take(tat).map(|_| ())
}

/// A channel is named by its session's id.
fn session_of(channel: &str) -> Option<Uuid> {
    let session = uuid::Uuid::try_parse(channel).ok()?;
    Some(Uuid::from_bytes(*session.as_bytes()))
}

/// Marks what the user holds already.
pub fn retire(session: Uuid, user: Uuid) -> Result<()> {
    spi::execute(&RETIRE, &[session.into(), user.into()]).map(|_| ())
}

/// The uid of a viewer who holds a lease.
pub fn uid_of_lease(session: Uuid, user: Uuid) -> Result<Option<i32>> {
    VIEWERS.find(&[session, user], |lease| {
        let is_active: bool = lease.column(c"is_active")?;
        is_active.then(|| lease.column(c"agora_uid")).transpose()
    })
}

/// Notes when the token ends that the viewer holds, where that is another time than is noted.
pub fn note_held(session: Uuid, user: Uuid, until: TimestampWithTimeZone) -> Result<()> {
    let held = VIEWERS.find(&[session, user], |lease| {
        lease.nullable::<TimestampWithTimeZone>(c"token_held_until")
    })?;
    if held.is_some_and(|held| held == until) {
        return Ok(());
    }
    VIEWERS.update(&[session, user], |_| {
        let change: Values<1> = [(c"token_held_until", until.into())];
        Ok(Some(((), change)))
    })?;
    Ok(())
}
