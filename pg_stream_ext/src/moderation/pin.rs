//! Pinning a message, which stays in view, and unpinning it.

use pgrx::datum::Uuid;
use pgrx::prelude::*;
use serde_json::json;

use crate::moderation::decision::{Moderation, Record};
use crate::moderation::message::{ModeratedMessage, not_found};
use crate::postgres::error::{Result, or_raise, required};
use crate::postgres::spi::{self, statements};

statements! {
    PIN: Write [UUIDOID, INT8OID]
        "update stream.stream_sessions set pinned_seq = $2 where id = $1";
}

/// Pins a message, in place of the one that was pinned before.
#[pg_extern]
fn pin_message(session_id: Option<Uuid>, message_id: Option<Uuid>) {
    or_raise(pin(session_id, message_id))
}

#[pg_extern]
fn unpin_message(session_id: Option<Uuid>) {
    or_raise(unpin(session_id))
}

fn pin(session_id: Option<Uuid>, message_id: Option<Uuid>) -> Result<()> {
    let moderation = Moderation::begin_live(session_id)?;
    let id = required(message_id, "message_id")?;
    // The row cannot change meanwhile: only moderation deletes messages, one call at a time.
    let target = ModeratedMessage::find(moderation.session, id)?.ok_or_else(not_found)?;
    target.require_user_message()?;
    if target.is_deleted {
        return Err(not_found());
    }
    if moderation.pinned_seq == Some(target.seq) {
        return Ok(());
    }
    moderation.lock_session()?;
    spi::execute(&PIN, &[moderation.session.into(), target.seq.into()])?;
    let metadata = json!({
        "kind": "message_pinned", "target_seq": target.seq, "target_id": id.to_string(),
    });
    let record = Record {
        user: target.author,
        target_seq: Some(target.seq),
        ..Record::default()
    };
    moderation
        .announce("message_pinned", "A message is pinned.", &metadata, record)
        .map(|_| ())
}

fn unpin(session_id: Option<Uuid>) -> Result<()> {
    let moderation = Moderation::begin_live(session_id)?;
    let Some(pinned) = moderation.pinned_seq else {
        return Ok(());
    };
    moderation.lock_session()?;
    moderation.unpin(true, pinned)
}
