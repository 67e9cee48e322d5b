//! What the row of a stream says and keeps about the token of its host.

use pgrx::datum::{TimestampWithTimeZone, Uuid};

use super::rows::{Ask, Noted, SESSIONS, charged};
use crate::error::Result;
use crate::rate::Rate;
use crate::spi::{self, column, nullable, statements};

statements! {
    /// The gate is closed, so no other token of the host came between.
    NOTE_HOST: Write [UUIDOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID]
        "update stream.stream_sessions
         set host_token_issued_at = $3, host_token_expires_at = $4, host_token_tat = $5,
             host_token_held_until = $6
         where id = $1 and seller_id = $2 and state <> 'ended'
         returning generation";

    /// As for a viewer, whose beat answers it.
    HOST_TOKEN_DUE: Write [UUIDOID, TIMESTAMPTZOID]
        "select least(coalesce($2, s.host_token_held_until), s.host_token_expires_at)
                 <= now() + 0.25 * (s.host_token_expires_at - s.host_token_issued_at)
             and s.host_token_issued_at <= now() - interval '30 seconds'
         from stream.stream_sessions as s where s.id = $1";
}

/// The generation of the host, when the token was noted. By a statement, since triggers for statements watch
/// the streams.
pub fn note_host(session: Uuid, ask: &Ask<'_>, rate: Rate, noted: &Noted) -> Result<Option<i32>> {
    let before = [c"host_token_issued_at", c"host_token_held_until"];
    let found = SESSIONS.find(&[session], |stream| {
        // Before the rate; whoever is not the seller is refused for that.
        if stream.column::<Uuid>(c"seller_id")? == ask.user {
            ask.refuse_stale(stream.column(c"generation")?)?;
        }
        let Some(tat) = charged(stream, c"host_token_tat", rate, ask.charge)? else {
            return Ok(None);
        };
        Ok(Some((tat, noted.held_until(stream, before, ask)?)))
    })?;
    let Some((tat, held_until)) = found else {
        return Ok(None);
    };
    let arguments = [
        session.into(),
        ask.user.into(),
        noted.issued_at.into(),
        noted.expires_at.into(),
        tat,
        held_until.into(),
    ];
    let generation = spi::first(&NOTE_HOST, &arguments, |row| column(row, 1))?;
    // Now the row is locked, and no takeover can come before the token.
    generation.map_or(Ok(()), |newest| ask.refuse_stale(newest))?;
    Ok(generation)
}

/// Whether the host's token is past 75 % of its life and the newest at least 30 s old. `held_until` is
/// the end of the token that the host says to hold. A viewer's is known from the lease row.
pub fn is_host_token_due(session: Uuid, held_until: Option<TimestampWithTimeZone>) -> Result<bool> {
    let arguments = [session.into(), held_until.into()];
    let due = spi::first(&HOST_TOKEN_DUE, &arguments, |row| nullable(row, 1))?;
    Ok(due.flatten().unwrap_or(false))
}
