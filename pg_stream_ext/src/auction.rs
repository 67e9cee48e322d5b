//! How do bids and other news of an auction get into the log of its stream?
//!
//! In the transaction of the bid. Who may is decided by grants and by who attaches the trigger,
//! never by who is signed in: a bidder's transaction posts, and a bidder cannot forge.

use pgrx::JsonB;
use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use serde::Deserialize;
use stream_core::chat::Content;
use stream_core::error::ErrorCode;

use crate::caller;
use crate::error::{Failure, Result, answer, required};
use crate::history::{Message, message_columns, message_json};
use crate::log::{Entry, take_number, why_closed};
use crate::relay::relay_one_now;
use crate::settings::epoch_salt;
use crate::spi::{self, column, statements};

/// As jsonb text. A frame holds a hundred entries and 128 KB.
const MAX_UPDATE_BYTES: usize = 8 * 1024;

/// Where the update brings no text of its own.
const SENTENCE: &str = "The auction was updated.";

statements! {
    /// The update stays text on its way, so that its numbers keep every digit.
    INSERT_UPDATE: Write [UUIDOID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID]
        concat!(
            "insert into stream.chat_messages as m
                 (session_id, seq, content, message_type, metadata, created_at, updated_at)
             values ($1, $2, $3, 'auction_update',
                 $4::jsonb || '{\"kind\": \"auction_update\"}'::jsonb, $5, $5)
             returning ", message_columns!(), ", ", message_json!(), "::text"
        );

    LIVE_SESSION: Write [UUIDOID]
        "select s.id from stream.stream_sessions as s
         where s.auction_id = $1 and s.state <> 'ended'";
}

#[pg_extern]
#[expect(
    clippy::type_complexity,
    reason = "pgrx reads the column names from the literal type"
)]
fn post_auction_update(
    session_id: Option<Uuid>,
    update: Option<&str>,
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
    TableIterator::once(answer(post(session_id, update).map(Message::into_row)))
}

/// What a trigger on a table of the application found: nothing happens when the auction is not live.
#[pg_extern]
fn log_auction_row(auction_id: Option<Uuid>, update: Option<&str>) {
    answer(log_row(auction_id, update))
}

fn post(session_id: Option<Uuid>, update: Option<&str>) -> Result<Message> {
    caller::enter_as_owner_to_write()?;
    let session = required(session_id, "session_id")?;
    let update = Update::parse(required(update, "update")?)?;
    match take_number(session)? {
        Some(entry) => update.store(session, &entry),
        None => Err(why_closed(session)?.into()),
    }
}

/// At the application's own isolation level: a bid must not fail because of the log. Head and relay are
/// found and changed as they are by now, whatever the transaction sees.
fn log_row(auction_id: Option<Uuid>, update: Option<&str>) -> Result<()> {
    caller::enter_as_owner()?;
    let (Some(auction), Some(update)) = (auction_id, update) else {
        return Ok(());
    };
    let live: Option<Uuid> = spi::first(&LIVE_SESSION, &[auction.into()], |row| column(row, 1))?;
    let Some(session) = live else {
        return Ok(());
    };
    let update = Update::parse(update)?;
    // Closed: the stream has ended since the look at it.
    if let Some(entry) = take_number(session)? {
        update.store(session, &entry)?;
    }
    Ok(())
}

/// A JSON object, and the sentence that stands for it in the chat.
struct Update<'a> {
    json: &'a str,
    content: String,
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

impl<'a> Update<'a> {
    /// `json` is the text of a jsonb value, so an object begins with its brace.
    fn parse(json: &'a str) -> Result<Self> {
        if !json.starts_with('{') {
            return Err(Failure::with_hint(
                ErrorCode::InvalidArgument,
                "update is a JSON object",
            ));
        }
        if json.len() > MAX_UPDATE_BYTES {
            return Err(Failure::with_hint(
                ErrorCode::PayloadTooLarge,
                format!("an auction update has at most {MAX_UPDATE_BYTES} bytes"),
            ));
        }
        let text = serde_json::from_str::<Text>(json).ok();
        let content = text.and_then(|update| Content::parse(&update.text).ok());
        let content = content.map_or_else(|| SENTENCE.to_owned(), |text| text.as_str().to_owned());
        Ok(Self { json, content })
    }

    /// Writes the update and sends it at once.
    fn store(&self, session: Uuid, entry: &Entry) -> Result<Message> {
        let arguments: [DatumWithOid<'_>; 5] = [
            session.into(),
            entry.seq.into(),
            self.content.as_str().into(),
            self.json.into(),
            entry.created_at.into(),
        ];
        let stored = spi::first(&INSERT_UPDATE, &arguments, |row| {
            Ok((Message::read(row)?, column(row, 12)?))
        })?;
        let (message, json) = stored.ok_or(Failure::Row("the update was not stored"))?;
        relay_one_now(session, entry.seq, json, &epoch_salt()?)?;
        Ok(message)
    }
}
