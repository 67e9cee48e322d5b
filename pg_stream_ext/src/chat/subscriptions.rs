//! Subscriptions of users to the chat of a stream.
//!
//! A subscription records that a user follows a chat, and names the topic; Realtime's own policies decide again
//! when the topic is joined.

use pgrx::datum::Uuid;
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::postgres::caller;
use crate::postgres::column::columns;
use crate::postgres::error::{Result, or_raise, required};
use crate::postgres::spi::{self, statements};
use crate::stream::gate;

macro_rules! subscription_columns {
    () => {
        "c.id, c.session_id, c.user_id, c.channel, c.is_active"
    };
}

statements! {
    /// Shared with joins and tokens, exclusive with the end of the stream, which closes all
    /// subscriptions.
    LOCK_SESSION: Write [UUIDOID] -> bool,
        "select s.state = 'ended' from stream.stream_sessions as s where s.id = $1 for share";

    /// The rule of the Realtime policy for topic chat:<id>, and whether a ban holds.
    READER: Write [UUIDOID, UUIDOID] -> Reader,
        "select s.seller_id = $2 as is_seller,
             stream_private.can_view($2, s.id, s.seller_id) as can_view,
             exists (
                 select from stream.stream_viewers as v
                 where v.session_id = s.id and v.user_id = $2
             ) as has_joined,
             exists (
                 select from stream_private.bans as b
                 where b.session_id = s.id and b.user_id = $2
             ) as is_banned
         from stream.stream_sessions as s where s.id = $1";

    /// Returns no row, and writes none, when the subscription is already active.
    SUBSCRIBE: Write [UUIDOID, UUIDOID] -> Subscription,
        concat!(
            "insert into stream.chat_subscriptions as c (session_id, user_id, channel)
             values ($1, $2, 'chat:' || $1)
             on conflict (session_id, user_id) do update
             set is_active = true, ended_at = null, created_at = now()
             where not c.is_active
             returning ", subscription_columns!()
        );

    OF_USER: Write [UUIDOID, UUIDOID] -> Subscription,
        concat!(
            "select ", subscription_columns!(), " from stream.chat_subscriptions as c
             where c.session_id = $1 and c.user_id = $2"
        );

    UNSUBSCRIBE: Write [UUIDOID, UUIDOID] -> Subscription,
        concat!(
            "update stream.chat_subscriptions as c set is_active = false, ended_at = now()
             where c.id = $1 and ($2 is null or c.user_id = $2) and c.is_active
             returning ", subscription_columns!()
        );

    BY_ID: Write [UUIDOID, UUIDOID] -> Subscription,
        concat!(
            "select ", subscription_columns!(), " from stream.chat_subscriptions as c
             where c.id = $1 and ($2 is null or c.user_id = $2)"
        );
}

columns! {
    struct Reader {
        is_seller: bool,
        can_view: bool,
        has_joined: bool,
        is_banned: bool,
    }

    struct Subscription {
        id: Uuid,
        session_id: Uuid,
        user_id: Uuid,
        channel: String,
        is_active: bool,
    }
}

impl Reader {
    fn require_access(&self) -> Result<()> {
        if self.is_seller {
            return Ok(());
        }
        if !self.can_view {
            return Err(ErrorCode::CannotView.into());
        }
        if self.is_banned {
            return Err(ErrorCode::Banned.into());
        }
        if !self.has_joined {
            return Err(ErrorCode::NotViewer.into());
        }
        Ok(())
    }
}

#[pg_extern]
fn subscribe_to_chat(
    of_session: Option<Uuid>,
    of_user: Option<Uuid>,
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
    TableIterator::once(or_raise(subscribe(of_session, of_user)).into())
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
    TableIterator::once(or_raise(unsubscribe(subscription_id)).into())
}

fn subscribe(session_id: Option<Uuid>, user_id: Option<Uuid>) -> Result<Subscription> {
    let user = caller::enter_to_write()?.act_for(user_id)?;
    let session = required(session_id, "session_id")?;
    gate::pass(session)?;
    let has_ended = spi::first(&LOCK_SESSION, &[session.into()])?;
    if has_ended.ok_or(ErrorCode::SessionNotFound)? {
        return Err(ErrorCode::StreamEnded.into());
    }
    let arguments = [session.into(), user.into()];
    let reader = spi::first(&READER, &arguments)?.ok_or(ErrorCode::SessionNotFound)?;
    reader.require_access()?;
    if let Some(subscription) = spi::first(&SUBSCRIBE, &arguments)? {
        return Ok(subscription);
    }
    // Another device may have ended it in between: return the row as it is now.
    spi::first(&OF_USER, &arguments)?.ok_or_else(|| ErrorCode::SubscriptionNotFound.into())
}

fn unsubscribe(subscription_id: Option<Uuid>) -> Result<Subscription> {
    let caller = caller::enter_to_write()?;
    let id = required(subscription_id, "subscription_id")?;
    let arguments = [id.into(), caller.user_id().into()];
    if let Some(subscription) = spi::first(&UNSUBSCRIBE, &arguments)? {
        return Ok(subscription);
    }
    spi::first(&BY_ID, &arguments)?.ok_or_else(|| ErrorCode::SubscriptionNotFound.into())
}
