//! Granting a token: checking the rows, and noting the token in the row of the lease or of the stream.
//!
//! The row of the lease, or of the stream, is locked and notes the token for the next heartbeat; what
//! is read after that counts. The rows are found by their keys without statements, which would cost more
//! than the rest of a token.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use stream_core::agora::Role;
use stream_core::error::ErrorCode;

use crate::moderation::active_restrictions;
use crate::postgres::caller::Admitted;
use crate::postgres::error::Result;
use crate::postgres::keyed::{Table, Values};
use crate::postgres::spi::{self, statements};
use crate::rate::Rate;
use crate::stream::gate;
use crate::token::certificate::Signer;
use crate::token::columns::NotedTimes;
use crate::token::host;
use crate::token::request::{Grant, GrantRequest, TokenCharge, charged};
use crate::token::settings::Settings;
use crate::token::stream_row::{SESSIONS, has_ended, is_open};

/// The rows can change between a failed attempt and finding the reason for it; then it is tried again, this often.
const ATTEMPTS: usize = 3;

static VIEWERS: Table = Table::new(c"stream_viewers");

statements! {
    RETIRE: Write [UUIDOID, UUIDOID]
        "update stream.agora_tokens set is_active = false
         where session_id = $1 and user_id = $2 and is_active";
}

/// Reads the signer before anything is locked, so that a wrong configuration costs no write. A user who may have no
/// token gets that refusal instead of the configuration's.
pub fn signer(
    admitted: Admitted,
    request: &GrantRequest<'_>,
    settings: &Settings,
) -> Result<Signer> {
    let signer = settings.signing.signer();
    if signer.is_err() {
        refuse(admitted, request, settings)?;
    }
    signer
}

/// Locks the row and notes the token, or refuses with the reason.
pub fn grant(admitted: Admitted, request: &GrantRequest<'_>, settings: &Settings) -> Result<Grant> {
    for _ in 0..ATTEMPTS {
        for role in [Role::Subscriber, Role::Publisher] {
            if request.role.is_none_or(|asked| asked == role)
                && let Some(grant) = grant_as(admitted, role, request, settings)?
            {
                return Ok(grant);
            }
        }
        refuse(admitted, request, settings)?;
    }
    Err(ErrorCode::LockTimeout.into())
}

fn grant_as(
    admitted: Admitted,
    role: Role,
    request: &GrantRequest<'_>,
    settings: &Settings,
) -> Result<Option<Grant>> {
    let Some(session) = session_of(request.channel) else {
        return Ok(None);
    };
    // The host's token changes the session's row. Other users than the seller must not lock it.
    if role == Role::Publisher {
        if !is_seller(admitted, session, request.user)? {
            return Ok(None);
        }
        gate::close(admitted, session)?;
    }
    let Some(created_at) =
        SESSIONS.find(admitted, &[session], |row| is_open(row, request.channel))?
    else {
        return Ok(None);
    };
    let life_s = settings.life_s(created_at, request.issued_at)?;
    let noted = NotedTimes::new(request.issued_at, life_s)?;
    let number = match role {
        Role::Subscriber => note_viewer(admitted, session, request, settings.rate, &noted)?,
        Role::Publisher => host::note(admitted, session, request, settings.rate, &noted)?,
    };
    let Some(number) = number else {
        return Ok(None);
    };
    // Read after the lock, so a ban that was committed while this waited counts.
    if active_restrictions::in_force(admitted, session, request.user)?.is_banned {
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

/// Whether the user is the seller, who never changes.
fn is_seller(admitted: Admitted, session: Uuid, user: Uuid) -> Result<bool> {
    let is_seller = SESSIONS.find(admitted, &[session], |stream| {
        Ok(Some(stream.column::<Uuid>(c"seller_id")? == user))
    })?;
    Ok(is_seller.unwrap_or(false))
}

/// Notes the token in the lease and returns the viewer's uid; none without a lease or beyond the rate. The session is
/// not locked: a stream that ends closes every lease before it retires the tokens, so it waits for this lock, or has
/// already closed the lease.
fn note_viewer(
    admitted: Admitted,
    session: Uuid,
    request: &GrantRequest<'_>,
    rate: Rate,
    noted: &NotedTimes,
) -> Result<Option<i32>> {
    VIEWERS.update(admitted, &[session, request.user], |lease| {
        if !lease.column::<bool>(c"is_active")? {
            return Ok(None);
        }
        let Some(tat) = charged(lease, c"token_tat", rate, request.charge)? else {
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

/// Refuses with the reason why the rows allow no token; returns when they would allow one by now.
fn refuse(admitted: Admitted, request: &GrantRequest<'_>, settings: &Settings) -> Result<()> {
    let session = session_of(request.channel).ok_or(ErrorCode::ChannelNotFound)?;
    let stream = SESSIONS.find(admitted, &[session], |stream| {
        let is_seller = stream.column::<Uuid>(c"seller_id")? == request.user;
        let tat: Option<TimestampWithTimeZone> = stream.nullable(c"host_token_tat")?;
        let is_of_channel = stream.text(c"channel_id")? == request.channel;
        let has_ended = has_ended(stream)?;
        Ok(is_of_channel.then_some((has_ended, is_seller, tat)))
    })?;
    let (has_ended, is_seller, host_tat) = stream.ok_or(ErrorCode::ChannelNotFound)?;
    let viewer_tat = VIEWERS.find(admitted, &[session, request.user], |lease| {
        let tat: Option<TimestampWithTimeZone> = lease.nullable(c"token_tat")?;
        Ok(lease.column::<bool>(c"is_active")?.then_some(tat))
    })?;
    let is_viewer = viewer_tat.is_some();
    match request.role {
        Some(Role::Publisher) if !is_seller => return Err(ErrorCode::NotStreamOwner.into()),
        _ if has_ended => return Err(ErrorCode::StreamEnded.into()),
        // A ban has ended the lease, so it is the reason.
        _ if active_restrictions::in_force(admitted, session, request.user)?.is_banned => {
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
    if request.charge == TokenCharge::Free {
        return Ok(());
    }
    settings.rate.take(tat).map(|_| ())
}

/// The session of a channel, which is named by its id.
fn session_of(channel: &str) -> Option<Uuid> {
    let session = uuid::Uuid::try_parse(channel).ok()?;
    Some(Uuid::from_bytes(*session.as_bytes()))
}

/// Marks the user's older tokens as inactive.
pub fn retire(session: Uuid, user: Uuid) -> Result<()> {
    spi::execute(&RETIRE, &[session.into(), user.into()]).map(|_| ())
}

/// The Agora uid of a viewer who holds a lease.
pub fn uid_of_lease(admitted: Admitted, session: Uuid, user: Uuid) -> Result<Option<i32>> {
    VIEWERS.find(admitted, &[session, user], |lease| {
        let is_active: bool = lease.column(c"is_active")?;
        is_active.then(|| lease.column(c"agora_uid")).transpose()
    })
}

/// Notes until when the viewer holds a token, unless the row already says so.
pub fn note_held(
    admitted: Admitted,
    session: Uuid,
    user: Uuid,
    until: TimestampWithTimeZone,
) -> Result<()> {
    let held = VIEWERS.find(admitted, &[session, user], |lease| {
        lease.nullable::<TimestampWithTimeZone>(c"token_held_until")
    })?;
    if held.is_some_and(|held| held == until) {
        return Ok(());
    }
    VIEWERS.update(admitted, &[session, user], |_| {
        let change: Values<1> = [(c"token_held_until", until.into())];
        Ok(Some(((), change)))
    })?;
    Ok(())
}
