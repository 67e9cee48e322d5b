//! How is one chat message sent?
//!
//! Lock order: the sender's viewer row, the head row, the relay row. A refusal leaves nothing
//! behind; a message that was stored before is answered again, whatever has changed since.

use pgrx::JsonB;
use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::chat::Content;
use stream_core::error::ErrorCode;

use crate::caller;
use crate::error::{Failure, Result, answer, required};
use crate::history::{MESSAGE_COLUMNS, Message, message_columns, message_json};
use crate::log::{take_number, why_closed};
use crate::relay::{self, NewEntry};
use crate::sender::{Sender, lock_place, read_senders};
use crate::spi::{self, column, statements};

statements! {
    GIVE_NUMBER_BACK: Write [UUIDOID]
        "update stream.chat_heads set last_seq = last_seq - 1 where session_id = $1";

    INSERT_MESSAGE: Write [UUIDOID, UUIDOID, INT8OID, UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID]
        concat!(
            "insert into stream.chat_messages as m
                 (id, session_id, seq, user_id, username, content, created_at, updated_at)
             values (coalesce($1, gen_random_uuid()), $2, $3, $4, $5, $6, $7, $7)
             on conflict (session_id, id) do nothing
             returning ", message_columns!(), ", ", message_json!(), "::text,
                 to_jsonb(clock_timestamp())::text"
        );

    /// What the message costs of its viewer's rate, counted from when it arrived.
    CHARGE_VIEWER: Write [UUIDOID, UUIDOID, TIMESTAMPTZOID, FLOAT8OID]
        "update stream.stream_viewers
         set chat_tat = $3 + $4 * interval '1 second', last_chat_at = clock_timestamp()
         where session_id = $1 and user_id = $2";

    CHARGE_HOST: Write [UUIDOID, FLOAT8OID]
        "update stream.chat_heads set host_chat_tat = clock_timestamp() + $2 * interval '1 second'
         where session_id = $1";

    BY_ID: Write [UUIDOID, UUIDOID]
        concat!(
            "select ", message_columns!(), "
             from stream.chat_messages as m
             where m.session_id = $1 and m.id = $2"
        );
}

#[pg_extern]
#[expect(
    clippy::type_complexity,
    reason = "pgrx reads the column names from the literal type"
)]
fn send_message(
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    content: Option<&str>,
    id: Option<Uuid>,
) -> TableIterator<
    'static,
    (
        name!(id, Uuid),
        name!(session_id, Uuid),
        name!(seq, i64),
        name!(user_id, Option<Uuid>),
        name!(username, Option<String>),
        name!(content, String),
        name!(message_type, String),
        name!(created_at, TimestampWithTimeZone),
        name!(updated_at, TimestampWithTimeZone),
        name!(metadata, JsonB),
        name!(deleted_at, Option<TimestampWithTimeZone>),
    ),
> {
    TableIterator::once(answer(
        send(session_id, user_id, content, id).map(Message::into_row),
    ))
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
    let place = lock_place(session, user)?;
    let Some(entry) = take_number(session)? else {
        return match earlier(session, user, id)? {
            Some(stored) => Ok(stored),
            None => Err(why_closed(session)?.into()),
        };
    };
    let senders = read_senders(session, &[user], place.as_slice(), entry.host_backlog_us)?;
    let mut sender = senders
        .into_iter()
        .next()
        .ok_or(ErrorCode::SessionNotFound)?;
    if let Err(refusal) = sender.accept(caller, session, content.as_str()) {
        return stored_before(session, user, id, refusal);
    }
    let arguments: [DatumWithOid<'_>; 7] = [
        id.into(),
        session.into(),
        entry.seq.into(),
        user.into(),
        sender.username.as_deref().into(),
        content.as_str().into(),
        entry.created_at.into(),
    ];
    let stored = spi::first(&INSERT_MESSAGE, &arguments, |row| {
        Ok((
            Message::read(row)?,
            column::<String>(row, MESSAGE_COLUMNS + 1)?,
            column::<String>(row, MESSAGE_COLUMNS + 2)?,
        ))
    })?;
    let Some((message, json, server_time)) = stored else {
        let gone = Failure::Row("the conflicting row is gone");
        return stored_before(session, user, id, gone);
    };
    charge(session, &sender)?;
    let entry = NewEntry {
        seq: entry.seq,
        json,
        epoch: &sender.epoch,
        server_time_json: &server_time,
    };
    relay::relay_one(session, entry)?;
    Ok(message)
}

fn charge(session: Uuid, sender: &Sender) -> Result<()> {
    let backlog_s = sender.backlog_us as f64 / 1e6;
    if sender.is_seller {
        spi::execute(&CHARGE_HOST, &[session.into(), backlog_s.into()])?;
    } else {
        let arguments: [DatumWithOid<'_>; 4] = [
            session.into(),
            sender.user.into(),
            sender.arrived_at.into(),
            backlog_s.into(),
        ];
        spi::execute(&CHARGE_VIEWER, &arguments)?;
    }
    Ok(())
}

/// A retry gets what it stored before, also when its sender could no longer write; otherwise the
/// refusal stands.
fn stored_before(session: Uuid, user: Uuid, id: Option<Uuid>, refusal: Failure) -> Result<Message> {
    let stored = earlier(session, user, id)?.ok_or(refusal)?;
    // Nobody else saw the number: the head row is still locked.
    spi::execute(&GIVE_NUMBER_BACK, &[session.into()])?;
    Ok(stored)
}

/// The message that this user stored under this id before.
fn earlier(session: Uuid, user: Uuid, id: Option<Uuid>) -> Result<Option<Message>> {
    let Some(id) = id else {
        return Ok(None);
    };
    match spi::first(&BY_ID, &[session.into(), id.into()], Message::read)? {
        Some(message) if message.user_id != Some(user) => Err(ErrorCode::MessageIdConflict.into()),
        found => Ok(found),
    }
}
