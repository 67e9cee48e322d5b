//! How does a message get its place in the log?
//!
//! Whoever updates the session's head row holds the log until commit: the number, the time and the
//! commit order agree, and a number is only spent by a row that is written.

use pgrx::JsonB;
use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use pgrx::spi::SpiHeapTupleData;
use stream_core::chat::Content;
use stream_core::error::ErrorCode;

use crate::caller::{self, Caller};
use crate::error::{Failure, Result, answer, required};
use crate::history::{Message, message_columns};
use crate::spi::{self, column, nullable, statements};

statements! {
    /// Takes the next number of an open log. Everything after it sees what was committed before.
    TAKE_NUMBER: Write [UUIDOID]
        "update stream.chat_heads
         set last_seq = last_seq + 1,
             last_at = greatest(clock_timestamp(), last_at + interval '1 microsecond')
         where session_id = $1 and open
         returning last_seq, last_at";

    GIVE_NUMBER_BACK: Write [UUIDOID]
        "update stream.chat_heads set last_seq = last_seq - 1 where session_id = $1";

    /// What decides whether this user may write here.
    SENDER: Write [UUIDOID, UUIDOID]
        "select
             s.seller_id = $2,
             exists (
                 select from stream.stream_viewers as v
                 where v.session_id = s.id and v.user_id = $2 and v.is_active
             ),
             coalesce(stream.hook_can_chat($2, s.id), false),
             stream.hook_username($2),
             c.anonymous_users_may_chat
         from stream.stream_sessions as s
         cross join stream.config as c
         where s.id = $1";

    INSERT_MESSAGE: Write [UUIDOID, UUIDOID, INT8OID, UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID]
        concat!(
            "insert into stream.chat_messages as m
                 (id, session_id, seq, user_id, username, content, created_at, updated_at)
             values (coalesce($1, gen_random_uuid()), $2, $3, $4, $5, $6, $7, $7)
             on conflict (session_id, id) do nothing
             returning ", message_columns!()
        );

    INSERT_SYSTEM: Write [UUIDOID, INT8OID, TEXTOID, JSONBOID, TIMESTAMPTZOID]
        "insert into stream.chat_messages
             (session_id, seq, content, message_type, metadata, created_at, updated_at)
         values ($1, $2, $3, 'system_message', $4, $5, $5)";

    BY_ID: Write [UUIDOID, UUIDOID]
        concat!(
            "select ", message_columns!(), "
             from stream.chat_messages as m
             where m.session_id = $1 and m.id = $2"
        );

    SESSION_EXISTS: Write [UUIDOID]
        "select true from stream.stream_sessions as s where s.id = $1";
}

/// A number of the log and the time that goes with it.
pub struct Entry {
    pub seq: i64,
    pub created_at: TimestampWithTimeZone,
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

/// Writes a system message; the stream must be open.
pub fn log_system(session: Uuid, content: &str, metadata: &serde_json::Value) -> Result<Entry> {
    let entry = take_number(session)?.ok_or(ErrorCode::StreamEnded)?;
    let arguments: [DatumWithOid<'_>; 5] = [
        session.into(),
        entry.seq.into(),
        content.into(),
        JsonB(metadata.clone()).into(),
        entry.created_at.into(),
    ];
    spi::execute(&INSERT_SYSTEM, &arguments)?;
    Ok(entry)
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
    let Some(entry) = take_number(session)? else {
        return refuse_closed(session, user, id);
    };
    let username = match authorize(caller, session, user) {
        Ok(username) => username,
        Err(refusal) => return stored_before(session, user, id, refusal),
    };
    let arguments: [DatumWithOid<'_>; 7] = [
        id.into(),
        session.into(),
        entry.seq.into(),
        user.into(),
        username.into(),
        content.as_str().into(),
        entry.created_at.into(),
    ];
    match spi::first(&INSERT_MESSAGE, &arguments, Message::read)? {
        Some(message) => Ok(message),
        None => stored_before(
            session,
            user,
            id,
            Failure::Row("the conflicting row is gone"),
        ),
    }
}

/// A retry gets what it stored before, also when its sender could no longer write; otherwise the
/// refusal stands.
fn stored_before(session: Uuid, user: Uuid, id: Option<Uuid>, refusal: Failure) -> Result<Message> {
    let stored = earlier(session, user, id)?.ok_or(refusal)?;
    // Nobody else saw the number: the head row is still locked.
    spi::execute(&GIVE_NUMBER_BACK, &[session.into()])?;
    Ok(stored)
}

/// The next number of an open log; nothing when it is closed or was never there.
pub fn take_number(session: Uuid) -> Result<Option<Entry>> {
    spi::first(&TAKE_NUMBER, &[session.into()], |row| {
        Ok(Entry {
            seq: column(row, 1)?,
            created_at: column(row, 2)?,
        })
    })
}

/// The log is closed or was never there. A retry of a message that was stored before still gets it.
fn refuse_closed(session: Uuid, user: Uuid, id: Option<Uuid>) -> Result<Message> {
    if let Some(message) = earlier(session, user, id)? {
        return Ok(message);
    }
    match spi::first(&SESSION_EXISTS, &[session.into()], |row| {
        column::<bool>(row, 1)
    })? {
        Some(_) => Err(ErrorCode::StreamEnded.into()),
        None => Err(ErrorCode::SessionNotFound.into()),
    }
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

struct Sender {
    is_seller: bool,
    holds_lease: bool,
    can_chat: bool,
    username: Option<String>,
    anonymous_users_may_chat: bool,
}

/// The sender's name, if they may write here.
fn authorize(caller: Caller, session: Uuid, user: Uuid) -> Result<String> {
    let read = |row: &SpiHeapTupleData<'_>| {
        Ok(Sender {
            is_seller: column(row, 1)?,
            holds_lease: column(row, 2)?,
            can_chat: column(row, 3)?,
            username: nullable(row, 4)?,
            anonymous_users_may_chat: column(row, 5)?,
        })
    };
    let sender = spi::first(&SENDER, &[session.into(), user.into()], read)?
        .ok_or(ErrorCode::SessionNotFound)?;
    let is_anonymous = matches!(
        caller,
        Caller::User {
            is_anonymous: true,
            ..
        }
    );
    if is_anonymous && !sender.anonymous_users_may_chat {
        return Err(ErrorCode::AnonymousUser.into());
    }
    if !sender.is_seller {
        if !sender.holds_lease {
            return Err(ErrorCode::NotViewer.into());
        }
        if !sender.can_chat {
            return Err(ErrorCode::CannotChat.into());
        }
    }
    sender.username.ok_or_else(|| ErrorCode::CannotChat.into())
}
