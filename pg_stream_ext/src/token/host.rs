//! The token of the host, noted in the row of the stream.

use pgrx::datum::{TimestampWithTimeZone, Uuid};

use crate::postgres::caller::Admitted;
use crate::postgres::error::{Failure, Result};
use crate::postgres::spi::{self, statements};
use crate::rate::Rate;
use crate::token::columns::{self, NotedTimes, OF_HOST};
use crate::token::request::{GrantRequest, charged};
use crate::token::stream_row::SESSIONS;

statements! {
    /// The gate is closed, so no other token of the host can have been noted since.
    NOTE_HOST: Write [UUIDOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID] -> i32,
        "update stream.stream_sessions
         set host_token_issued_at = $3, host_token_expires_at = $4, host_token_tat = $5,
             host_token_held_until = $4
         where id = $1 and seller_id = $2 and state <> 'ended'
         returning generation";
}

/// Notes the token and returns the host's generation; none when the user is not the host or the rate is used up. It is
/// a statement, because the table has statement triggers.
pub fn note(
    admitted: Admitted,
    session: Uuid,
    request: &GrantRequest<'_>,
    rate: Rate,
    noted: &NotedTimes,
) -> Result<Option<i32>> {
    let found = SESSIONS.find(admitted, &[session], |stream| {
        // Before the rate. A user who is not the seller gets another refusal.
        if stream.column::<Uuid>(c"seller_id")? == request.user {
            request.refuse_stale(stream.column(c"generation")?)?;
        }
        let Some(tat) = charged(stream, c"host_token_tat", rate, request.charge)? else {
            return Ok(None);
        };
        Ok(Some(tat))
    })?;
    let Some(tat) = found else {
        return Ok(None);
    };
    let arguments = [
        session.into(),
        request.user.into(),
        noted.issued_at.into(),
        noted.expires_at.into(),
        tat,
    ];
    let generation = spi::first(&NOTE_HOST, &arguments)?;
    // The row is locked now, so no takeover can come before the token.
    generation.map_or(Ok(()), |newest| request.refuse_stale(newest))?;
    Ok(generation)
}

/// Whether a heartbeat returns a new token to the host.
pub fn is_due(
    admitted: Admitted,
    session: Uuid,
    device_expires_at: Option<TimestampWithTimeZone>,
) -> Result<bool> {
    let due = SESSIONS.find(admitted, &[session], |row| {
        columns::is_due(row, &OF_HOST, device_expires_at).map(Some)
    })?;
    Ok(due.unwrap_or(false))
}

/// Until when the host may still hold an older token, for the row that notes this one.
pub fn held_until(
    admitted: Admitted,
    session: Uuid,
    noted: &NotedTimes,
) -> Result<TimestampWithTimeZone> {
    let held_until = SESSIONS.find(admitted, &[session], |row| {
        noted.held_until(row, &OF_HOST).map(Some)
    })?;
    held_until.ok_or(Failure::Row("the locked stream is gone"))
}
