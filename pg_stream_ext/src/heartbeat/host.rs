//! Writing a host's heartbeat into the row of the stream, with the host's token if one is renewed.

use std::thread::LocalKey;

use pgrx::datum::Uuid;

use crate::postgres::caller::Admitted;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, Statement, statements};
use crate::stream::lifecycle::check_at;
use crate::token::host;
use crate::token::renewal::Renewal;

/// The columns that are written besides those of the token.
#[derive(Clone, Copy)]
pub enum HostWrite {
    FirstHeartbeat,
    Heartbeat,
    /// None: the return of the host has already written them.
    TokenOnly,
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

    /// After a return, which has already written the row.
    NOTE_TOKEN: Write [UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID]
        concat!("update stream.stream_sessions as o set ", token_noted!(), " where o.id = $1");
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
        HostWrite::TokenOnly => &NOTE_TOKEN,
    };
    let noted = renewal.map(|renewal| &renewal.noted);
    let arguments = [
        session.into(),
        noted.map(|noted| noted.issued_at).into(),
        noted.map(|noted| noted.expires_at).into(),
        noted
            .map(|noted| host::held_until(admitted, session, noted))
            .transpose()?
            .into(),
    ];
    spi::execute(statement, &arguments).map(|_| ())
}
