//! Writing a host's heartbeat into the row of the stream, with the host's token if one is renewed.

use std::thread::LocalKey;

use pgrx::datum::Uuid;

use crate::postgres::caller::Admitted;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, Statement, statements};
use crate::stream::lifecycle::{HostToken, check_at};
use crate::token::host;
use crate::token::renewal::Renewal;

/// The columns that are written besides those of the token.
#[derive(Clone, Copy)]
pub enum HostWrite {
    FirstHeartbeat,
    Heartbeat,
}

/// Sets the columns of the host's token; they stay as they are where $2 to $4 are null.
macro_rules! token_noted {
    () => {
        "host_token_issued_at = coalesce($2, o.host_token_issued_at),
             host_token_expires_at = coalesce($3, o.host_token_expires_at),
             host_token_held_until = coalesce($4, o.host_token_held_until)"
    };
}

statements! {
    HEARTBEAT: Write [UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID]
        concat!(
            "update stream.stream_sessions as o
             set host_seen_at = now(), host_heartbeat_at = now(), ", token_noted!(), "
             where o.id = $1"
        );

    /// From now on the host is judged by heartbeats.
    FIRST_HEARTBEAT: Write [UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID]
        concat!(
            "update stream.stream_sessions as o
             set host_seen_at = s.host_seen_at, host_heartbeat_at = now(), check_at = ", check_at!(), ",
                 ", token_noted!(), "
             from (
                 select p.created_at, p.state, p.state_changed_at, p.reconnect_deadline, now() as host_seen_at
                 from stream.stream_sessions as p where p.id = $1
             ) as s
             cross join stream.config as c
             where o.id = $1"
        );
}

/// Writes the row of the stream, with the host's token if there is one.
pub fn write_host(
    admitted: Admitted,
    write: HostWrite,
    session: Uuid,
    renewal: Option<&Renewal>,
) -> Result<()> {
    let statement: &'static LocalKey<Statement> = match write {
        HostWrite::FirstHeartbeat => &FIRST_HEARTBEAT,
        HostWrite::Heartbeat => &HEARTBEAT,
    };
    let token = renewal
        .map(|renewal| host_token(admitted, session, renewal))
        .transpose()?;
    let arguments = [
        session.into(),
        token.map(|token| token.issued_at).into(),
        token.map(|token| token.expires_at).into(),
        token.map(|token| token.held_until).into(),
    ];
    spi::execute(statement, &arguments).map(|_| ())
}

/// What the row of the stream notes of a token of its host.
pub fn host_token(admitted: Admitted, session: Uuid, renewal: &Renewal) -> Result<HostToken> {
    let noted = &renewal.noted;
    Ok(HostToken {
        issued_at: noted.issued_at,
        expires_at: noted.expires_at,
        held_until: host::held_until(admitted, session, noted)?,
    })
}
