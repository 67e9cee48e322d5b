//! What the row of a stream says and keeps about the token of its host.

use pgrx::datum::Uuid;

use crate::postgres::error::Result;
use crate::postgres::spi::{self, column, statements};
use crate::rate::Rate;
use crate::token::rows::{Ask, Noted, SESSIONS, charged};

statements! {
    /// The gate is closed, so no other token of the host came between.
    NOTE_HOST: Write [UUIDOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID]
        "update stream.stream_sessions
         set host_token_issued_at = $3, host_token_expires_at = $4, host_token_tat = $5,
             host_token_held_until = $4
         where id = $1 and seller_id = $2 and state <> 'ended'
         returning generation";
}

/// The generation of the host, when the token was noted. By a statement, since triggers for statements watch
/// the streams.
pub fn note_host(session: Uuid, ask: &Ask<'_>, rate: Rate, noted: &Noted) -> Result<Option<i32>> {
    let found = SESSIONS.find(&[session], |stream| {
        // Before the rate; whoever is not the seller is refused for that.
        if stream.column::<Uuid>(c"seller_id")? == ask.user {
            ask.refuse_stale(stream.column(c"generation")?)?;
        }
        let Some(tat) = charged(stream, c"host_token_tat", rate, ask.charge)? else {
            return Ok(None);
        };
        Ok(Some(tat))
    })?;
    let Some(tat) = found else {
        return Ok(None);
    };
    let arguments = [
        session.into(),
        ask.user.into(),
        noted.issued_at.into(),
        noted.expires_at.into(),
        tat,
    ];
    let generation = spi::first(&NOTE_HOST, &arguments, |row| column(row, 1))?;
    // Now the row is locked, and no takeover can come before the token.
    generation.map_or(Ok(()), |newest| ask.refuse_stale(newest))?;
    Ok(generation)
}
