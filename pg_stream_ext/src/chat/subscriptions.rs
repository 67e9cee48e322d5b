//! Subscriptions of users to the chat of a stream.
//!
//! A subscription records that a user follows a chat, and names the topic; Realtime's own policies decide again
//! when the topic is joined.

use pgrx::datum::Uuid;
use pgrx::prelude::*;
use pgrx::spi::SpiHeapTupleData;
use stream_core::error::ErrorCode;

use crate::postgres::caller;
use crate::postgres::error::{Result, answer, required};
use crate::postgres::spi::{self, column, statements};
use crate::stream::gate;

macro_rules! subscription_columns {
    () => {
        "c.id, c.session_id, c.user_id, c.channel, c.is_active"
    };
}

statements! {
    /// Shared with joins and tokens, exclusive with the end of the stream, which closes all
    /// subscriptions.
    LOCK_SESSION: Write [UUIDOID]
        "select s.state = 'ended' from stream.stream_sessions as s where s.id = $1 for share";

    /// The rule of the Realtime policy for topic chat:<id>, and whether a ban holds.
    READER: Write [UUIDOID, UUIDOID]
        "select s.seller_id = $2,
             stream_private.can_view($2, s.id, s.seller_id),
             exists (
                 select from stream.stream_viewers as v
                 where v.session_id = s.id and v.user_id = $2
             ),
             exists (
                 select from stream_private.bans as b
                 where b.session_id = s.id and b.user_id = $2
             )
         from stream.stream_sessions as s where s.id = $1";

    /// Returns no row, and writes none, when the subscription is already active.
    SUBSCRIBE: Write [UUIDOID, UUIDOID]
        concat!(
            "insert into stream.chat_subscriptions as c (session_id, user_id, channel)
             values ($1, $2, 'chat:' || $1)
             on conflict (session_id, user_id) do update
             set is_active = true, ended_at = null, created_at = now()
             where not c.is_active
             returning ", subscription_columns!()
        );

    OF_USER: Write [UUIDOID, UUIDOID]
        concat!(
            "select ", subscription_columns!(), " from stream.chat_subscriptions as c
             where c.session_id = $1 and c.user_id = $2"
        );

    UNSUBSCRIBE: Write [UUIDOID, UUIDOID]
        concat!(
            "update stream.chat_subscriptions as c set is_active = false, ended_at = now()
             where c.id = $1 and ($2 is null or c.user_id = $2) and c.is_active
             returning ", subscription_columns!()
        );

    BY_ID: Write [UUIDOID, UUIDOID]
        concat!(
            "select ", subscription_columns!(), " from stream.chat_subscriptions as c
             where c.id = $1 and ($2 is null or c.user_id = $2)"
        );
}

type SubscriptionRow = (Uuid, Uuid, Uuid, String, bool);

#[pg_extern]
fn subscribe_to_chat(
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
) -> TableIterator<
    'static,
    (
        name!(id, Uuid),
        name!(session_id, Uuid),
        name!(user_id, Uuid),
        name!(channel, String),
        name!(is_active, bool),
    ),
> {
    TableIterator::once(answer(subscribe(session_id, user_id)))
}

#[pg_extern]
fn unsubscribe_from_chat(
    subscription_id: Option<Uuid>,
) -> TableIterator<
    'static,
    (
        name!(id, Uuid),
        name!(session_id, Uuid),
        name!(user_id, Uuid),
        name!(channel, String),
        name!(is_active, bool),
    ),
> {
    TableIterator::once(answer(unsubscribe(subscription_id)))
}

fn subscribe(session_id: Option<Uuid>, user_id: Option<Uuid>) -> Result<SubscriptionRow> {
    let user = caller::enter_to_write()?.act_for(user_id)?;
    let session = required(session_id, "session_id")?;
    gate::pass(session)?;
    let has_ended = spi::first(&LOCK_SESSION, &[session.into()], |row| column(row, 1))?;
    if has_ended.ok_or(ErrorCode::SessionNotFound)? {
        return Err(ErrorCode::StreamEnded.into());
    }
    let arguments = [session.into(), user.into()];
    spi::first(&READER, &arguments, require_reader)?.ok_or(ErrorCode::SessionNotFound)?;
    if let Some(subscription) = spi::first(&SUBSCRIBE, &arguments, read)? {
        return Ok(subscription);
    }
    // Another device may have ended it in between: return the row as it is now.
    spi::first(&OF_USER, &arguments, read)?.ok_or_else(|| ErrorCode::SubscriptionNotFound.into())
}

fn require_reader(row: &SpiHeapTupleData<'_>) -> Result<()> {
    let is_seller: bool = column(row, 1)?;
    let can_view: bool = column(row, 2)?;
    let has_joined: bool = column(row, 3)?;
    let is_banned: bool = column(row, 4)?;
    if is_seller {
        return Ok(());
    }
    if !can_view {
        return Err(ErrorCode::CannotView.into());
    }
    if is_banned {
        return Err(ErrorCode::Banned.into());
    }
    if !has_joined {
        return Err(ErrorCode::NotViewer.into());
    }
    Ok(())
}

fn unsubscribe(subscription_id: Option<Uuid>) -> Result<SubscriptionRow> {
    let caller = caller::enter_to_write()?;
    let id = required(subscription_id, "subscription_id")?;
    let arguments = [id.into(), caller.user_id().into()];
    if let Some(subscription) = spi::first(&UNSUBSCRIBE, &arguments, read)? {
        return Ok(subscription);
    }
    spi::first(&BY_ID, &arguments, read)?.ok_or_else(|| ErrorCode::SubscriptionNotFound.into())
}

fn read(row: &SpiHeapTupleData<'_>) -> Result<SubscriptionRow> {
    Ok((
        column(row, 1)?,
        column(row, 2)?,
        column(row, 3)?,
        column(row, 4)?,
        column(row, 5)?,
    ))
}
