//! The lock of moderators: one call at a time for each session, and one for the terms of all streams.
//!
//! It is a row of `stream.moderation_turns`, which only the owner of the tables can lock. It comes before every
//! other lock, and has no foreign key: otherwise the deletion of a session would wait for its moderator, who may be
//! waiting for the session. The first moderator of a session adds it.

use pgrx::datum::Uuid;

use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};

/// The id of the row for the terms of all streams; no session has it.
const ALL_STREAMS: [u8; 16] = [0; 16];

statements! {
    TAKE: Write [UUIDOID]
        "select true from stream.moderation_turns as t where t.session_id = $1 for no key update";

    /// Waits for a transaction that is adding the same row.
    ADD: Write [UUIDOID, BOOLOID]
        "insert into stream.moderation_turns (session_id)
         select $1
         where $2 or exists (select from stream.stream_sessions as s where s.id = $1)
         on conflict do nothing";
}

/// Waits until nobody else moderates the session, or the terms of all streams, and holds the lock until the transaction
/// ends. Locks nothing when there is no such session.
pub fn take(session: Option<Uuid>) -> Result<()> {
    let id = session.unwrap_or_else(|| Uuid::from_bytes(ALL_STREAMS));
    // Twice: a session that is deleted between the two statements takes its row with it.
    for _ in 0..2 {
        if spi::execute(&TAKE, &[id.into()])? == 1 {
            return Ok(());
        }
        spi::execute(&ADD, &[id.into(), session.is_none().into()])?;
    }
    spi::execute(&TAKE, &[id.into()]).map(|_| ())
}
