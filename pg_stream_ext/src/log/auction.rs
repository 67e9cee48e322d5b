//! Auction updates: bids and other news of an auction in the log of its stream.
//!
//! They are written in the transaction of the bid. Grants and the attached trigger decide who may post, never the
//! signed-in user: a bidder's transaction posts, and a bidder cannot forge.

use std::collections::BTreeMap;

use pgrx::datum::{DatumWithOid, Uuid};
use pgrx::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;
use stream_core::chat::Content;
use stream_core::error::ErrorCode;
use stream_core::json_escapes::can_be_stored;

use crate::log::entry::{Entry, closed_log_error, next_auction_seq};
use crate::log::epoch::epoch_salt;
use crate::log::message::{Message, message_columns, message_json};
use crate::log::relay::relay_auction_update;
use crate::postgres::caller::{self, Admitted};
use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::postgres::jsonb_text::JsonbText;
use crate::postgres::spi::{self, statements};
use crate::postgres::utc::in_utc;

/// The most bytes of an update, as jsonb text. A frame holds a hundred entries and 128 KB.
const MAX_UPDATE_BYTES: usize = 8 * 1024;

/// The sentence for an update without a text of its own.
const SENTENCE: &str = "The auction was updated.";

statements! {
    /// The update stays text on its way, so that its numbers keep every digit.
    INSERT_UPDATE: Write [UUIDOID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID] -> StoredUpdate,
        concat!(
            "insert into stream.chat_messages as m
                 (session_id, seq, content, message_type, metadata, created_at, updated_at)
             values ($1, $2, $3, 'auction_update',
                 $4::jsonb || '{\"kind\": \"auction_update\"}'::jsonb, $5, $5)
             returning ", message_columns!(), ", ", message_json!(), "::text as json"
        );

    LIVE_SESSION: Write [UUIDOID] -> Uuid,
        "select s.id from stream.stream_sessions as s
         where s.auction_id = $1 and s.state <> 'ended'";
}

columns! {
    struct StoredUpdate {
        message: Message,
        json: String,
    }
}

/// A `stream.chat_message`.
#[pg_extern]
fn post_auction_update(
    session_id: Option<Uuid>,
    update: Option<&str>,
) -> pgrx::composite_type!('static, "record") {
    or_raise(post(session_id, update).and_then(Message::into_composite))
}

/// A row that a trigger found in a table of the application, as the text of a JSON object. `columns` are the arguments of
/// the trigger: the column with the auction, then those to publish, all where there are none. Nothing happens when the
/// auction is not live.
#[pg_extern]
fn log_auction_row(columns: Option<Vec<Option<String>>>, row: Option<&str>) {
    or_raise(log_row(&columns.unwrap_or_default(), row))
}

fn post(session_id: Option<Uuid>, update: Option<&str>) -> Result<Message> {
    let admitted = caller::enter_as_owner_to_write()?;
    let session = required(session_id, "session_id")?;
    let update = Update::parse(required(update, "update")?)?;
    match next_auction_seq(admitted, session)? {
        Some(entry) => update.store(admitted, session, &entry),
        None => Err(closed_log_error(session)?.into()),
    }
}

/// At the application's own isolation level: a bid must not fail because of the log. Head and relay are
/// found and changed as they are by now, whatever the transaction sees.
fn log_row(columns: &[Option<String>], row: Option<&str>) -> Result<()> {
    let admitted = caller::enter_as_owner()?;
    let row = TriggerRow::read(columns, required(row, "row")?)?;
    let Some(auction) = row.auction()? else {
        return Ok(());
    };
    let live: Option<Uuid> = spi::first(&LIVE_SESSION, &[auction.into()])?;
    let Some(session) = live else {
        return Ok(());
    };
    let update = Update::parse(&row.published()?)?;
    // None: the stream has ended since it was read.
    if let Some(entry) = next_auction_seq(admitted, session)? {
        update.store(admitted, session, &entry)?;
    }
    Ok(())
}

/// A row of the application, whose values stay the text that Postgres made of them: no digit is lost, and what is not
/// published is never decoded.
struct TriggerRow<'a> {
    text: &'a str,
    values: BTreeMap<String, &'a RawValue>,
    auction: &'a RawValue,
    published: Vec<&'a str>,
}

impl<'a> TriggerRow<'a> {
    fn read(columns: &'a [Option<String>], text: &'a str) -> Result<Self> {
        let invalid = |hint| Failure::with_hint(ErrorCode::InvalidArgument, hint);
        let values: BTreeMap<String, &RawValue> =
            serde_json::from_str(text).map_err(|_| invalid("the row is not a JSON object"))?;
        let names: Vec<&str> = columns.iter().flatten().map(String::as_str).collect();
        if names.iter().any(|name| !values.contains_key(*name)) {
            return Err(invalid(
                "the trigger names a column that the table does not have",
            ));
        }
        let (auction, published) = names
            .split_first()
            .ok_or_else(|| invalid("the trigger names no column with the auction"))?;
        Ok(Self {
            text,
            auction: values[*auction],
            published: published.to_vec(),
            values,
        })
    }

    fn auction(&self) -> Result<Option<Uuid>> {
        let id: Option<uuid::Uuid> = serde_json::from_str(self.auction.get()).map_err(|_| {
            Failure::with_hint(
                ErrorCode::InvalidArgument,
                "the column with the auction holds no uuid",
            )
        })?;
        Ok(id.map(|id| Uuid::from_bytes(*id.as_bytes())))
    }

    /// The text of a JSON object of the columns to publish.
    fn published(&self) -> Result<String> {
        if self.published.is_empty() {
            return Ok(self.text.to_owned());
        }
        let values: BTreeMap<&str, &RawValue> = self
            .published
            .iter()
            .map(|name| (*name, self.values[*name]))
            .collect();
        serde_json::to_string(&values).map_err(|_| Failure::Row("a row is not JSON"))
    }
}

/// A JSON object as Postgres stores it, and the sentence that stands for it in the chat.
struct Update {
    json: String,
    content: String,
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

impl Update {
    /// `json` is the text of a value of type json: Postgres has checked its form, but not its escapes.
    fn parse(json: &str) -> Result<Self> {
        let invalid = |hint| Failure::with_hint(ErrorCode::InvalidArgument, hint);
        if !json.trim_start().starts_with('{') {
            return Err(invalid("update is a JSON object"));
        }
        if !can_be_stored(json) {
            return Err(invalid(
                "update holds an escape that cannot be stored: a zero character, or half of a surrogate pair",
            ));
        }
        // Numbers are written out: 1e1000 has a thousand digits in a frame.
        let json = JsonbText::parse(json)?.0;
        if json.len() > MAX_UPDATE_BYTES {
            return Err(Failure::with_hint(
                ErrorCode::PayloadTooLarge,
                format!("an auction update has at most {MAX_UPDATE_BYTES} bytes"),
            ));
        }
        let text = serde_json::from_str::<Text>(&json).ok();
        let content = text.and_then(|update| Content::parse(&update.text).ok());
        let content = content.map_or_else(|| SENTENCE.to_owned(), |text| text.as_str().to_owned());
        Ok(Self { json, content })
    }

    /// Writes the update and relays it.
    fn store(&self, admitted: Admitted, session: Uuid, entry: &Entry) -> Result<Message> {
        let arguments: [DatumWithOid<'_>; 5] = [
            session.into(),
            entry.seq.into(),
            self.content.as_str().into(),
            self.json.as_str().into(),
            entry.created_at.into(),
        ];
        let stored = in_utc(|| spi::first(&INSERT_UPDATE, &arguments))?;
        let StoredUpdate { message, json } =
            stored.ok_or(Failure::Row("the update was not stored"))?;
        relay_auction_update(admitted, session, entry.seq, json, &epoch_salt(admitted)?)?;
        Ok(message)
    }
}
