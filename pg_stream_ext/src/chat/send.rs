//! Sending one chat message.
//!
//! Lock order: the sender's viewer row, the head row, the relay row. A refusal leaves nothing
//! behind; a message that was stored before is returned again, whatever has changed since.

use pgrx::datum::{DatumWithOid, Uuid};
use pgrx::prelude::*;
use stream_core::chat::Content;
use stream_core::error::ErrorCode;

use crate::chat::sender::Rules;
use crate::chat::settings::{ChatSettings, likely_viewer_rate};
use crate::chat::viewer_row::ViewerRow;
use crate::log::entry::{closed_log_error, next_seq};
use crate::log::message::Message;
use crate::log::relay;
use crate::postgres::caller::{self, Admitted};
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::postgres::spi::{self, statements};

statements! {
    GIVE_NUMBER_BACK: Write [UUIDOID]
        "update stream.chat_heads set last_seq = last_seq - 1 where session_id = $1";

    INSERT_MESSAGE: Write [UUIDOID, UUIDOID, INT8OID, UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID]
        "insert into stream.chat_messages
             (id, session_id, seq, user_id, username, content, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7)
         on conflict (session_id, id) do nothing";
}

/// A `stream.chat_message`.
#[pg_extern]
fn send_message(
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    content: Option<&str>,
    id: Option<Uuid>,
) -> pgrx::composite_type!('static, "record") {
    or_raise(send(session_id, user_id, content, id).and_then(Message::into_composite))
}

fn send(
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    content: Option<&str>,
    id: Option<Uuid>,
) -> Result<Message> {
    let caller = caller::enter_to_write()?;
    let user = caller.act_for(user_id)?;
    let session = required(session_id, "session_id")?;
    let content = Content::parse(required(content, "content")?)?;
    let viewer_row = ViewerRow::lock_and_count(
        caller.admitted(),
        session,
        user,
        likely_viewer_rate(caller.admitted())?.limit(),
    )?;
    // A retry returns the message it stored before, even when its sender may no longer write; otherwise the
    // refusal stands.
    let retry = |refusal| {
        let stored = earlier(caller.admitted(), session, user, id)?.ok_or(refusal)?;
        if let Some(viewer_row) = &viewer_row {
            viewer_row.uncount(caller.admitted(), session)?;
        }
        Ok(stored)
    };
    let Some(entry) = next_seq(caller.admitted(), session)? else {
        return retry(closed_log_error(session)?.into());
    };
    // Nobody else can have seen the number: the head row is still locked.
    let retry = |refusal| {
        let stored = retry(refusal)?;
        spi::execute(&GIVE_NUMBER_BACK, &[session.into()])?;
        Ok(stored)
    };
    let settings = ChatSettings::read(caller.admitted())?;
    let rules = Rules::read(caller.admitted(), session, entry.host_tat, &settings)?;
    let mut sender = rules.sender(caller.admitted(), user, viewer_row.as_ref())?;
    if let Err(refusal) = sender.accept(caller, session, content.as_str()) {
        return retry(refusal);
    }
    let username = sender.username.take();
    let message = Message::written(
        id.unwrap_or_else(|| Uuid::from_bytes(*uuid::Uuid::new_v4().as_bytes())),
        session,
        user,
        username,
        content.as_str(),
        &entry,
    );
    if !insert(&message)? {
        return retry(Failure::Row("the conflicting row is gone"));
    }
    if sender.is_seller {
        sender.charge_host(session)?;
    } else if let Some(viewer_row) = &viewer_row {
        viewer_row.settle(caller.admitted(), session, sender.backlog_us())?;
    }
    relay::relay_one(
        caller.admitted(),
        session,
        entry.seq,
        message.json()?,
        &settings.epoch_salt,
    )?;
    Ok(message)
}

/// Inserts the message; returns false when its id is already used in this session.
fn insert(message: &Message) -> Result<bool> {
    let arguments: [DatumWithOid<'_>; 7] = [
        message.id.into(),
        message.session_id.into(),
        message.seq.into(),
        message.user_id.into(),
        message.username.as_deref().into(),
        message.content.as_str().into(),
        message.created_at.into(),
    ];
    Ok(spi::execute(&INSERT_MESSAGE, &arguments)? == 1)
}

/// Returns the message that this user stored under this id before.
fn earlier(
    admitted: Admitted,
    session: Uuid,
    user: Uuid,
    id: Option<Uuid>,
) -> Result<Option<Message>> {
    let Some(id) = id else {
        return Ok(None);
    };
    match Message::find(admitted, session, id)? {
        Some(message) if message.user_id != Some(user) => Err(ErrorCode::MessageIdConflict.into()),
        found => Ok(found),
    }
}
