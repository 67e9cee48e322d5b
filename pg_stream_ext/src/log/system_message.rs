//! System messages: entries of the log that the product writes itself.

use pgrx::JsonB;
use pgrx::datum::{DatumWithOid, Uuid};
use stream_core::error::ErrorCode;

use crate::log::entry::{Entry, hold_head, next_auction_seq, next_seq};
use crate::log::relay;
use crate::postgres::caller::Admitted;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};
use crate::postgres::wait_budget::WaitBudget;

statements! {
    INSERT_SYSTEM: Write [UUIDOID, INT8OID, TEXTOID, JSONBOID, TIMESTAMPTZOID]
        "insert into stream.chat_messages
             (session_id, seq, content, message_type, metadata, created_at, updated_at)
         values ($1, $2, $3, 'system_message', $4, $5, $5)";
}

/// Writes a system message and relays it at once; refuses with `stream_ended` when the log is closed.
pub fn log_system(
    admitted: Admitted,
    session: Uuid,
    content: &str,
    metadata: &serde_json::Value,
) -> Result<Entry> {
    let entry = next_seq(admitted, session)?.ok_or(ErrorCode::StreamEnded)?;
    insert(session, &entry, content, metadata)?;
    relay::relay_now(admitted, session, entry.seq)?;
    Ok(entry)
}

/// Writes a system message that counts and waits as an auction update: nothing else bounds how many there are.
pub fn log_paced(
    admitted: Admitted,
    session: Uuid,
    content: &str,
    metadata: &serde_json::Value,
) -> Result<Entry> {
    let entry = next_auction_seq(admitted, session)?.ok_or(ErrorCode::StreamEnded)?;
    insert(session, &entry, content, metadata)?;
    relay::relay_in_auction_window(admitted, session, entry.seq)?;
    Ok(entry)
}

fn insert(session: Uuid, entry: &Entry, content: &str, metadata: &serde_json::Value) -> Result<()> {
    let arguments: [DatumWithOid<'_>; 5] = [
        session.into(),
        entry.seq.into(),
        content.into(),
        JsonB(metadata.clone()).into(),
        entry.created_at.into(),
    ];
    spi::execute(&INSERT_SYSTEM, &arguments).map(|_| ())
}

/// Locks the head and the relay row, which a system message changes, as long as budget lasts; returns whether
/// both are held.
pub fn hold(admitted: Admitted, session: Uuid, budget: &mut WaitBudget) -> Result<bool> {
    Ok(hold_head(admitted, session, budget)? && relay::hold(admitted, session, budget)?)
}
