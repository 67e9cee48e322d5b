//! Deleting from `realtime.messages` the frames that carry deleted messages: Realtime keeps them for three
//! days and replays them to whoever joins.
//!
//! A frame lies at or behind the `created_at` of its messages and not behind `chat_relay.flushed_at`, in
//! the order of its numbers: from a message's time on, the first frame of its log that reaches its number
//! carries it. So the index on (inserted_at, topic) is read from there to that frame only, whatever else is
//! stored. What is not found that way was dated otherwise (a clock that was set back, `realtime.send`, which
//! dates by the begin of the transaction) and is looked for among all frames of the log. Frames are deleted
//! whole, with what else they carry: they are hints, and `sync` has the messages.

mod search;
mod shape;

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use stream_core::error::ErrorCode;

use crate::clock;
use crate::postgres::error::{Failure, Result};
use crate::postgres::json_text;
use crate::postgres::spi::{self, statements};
use crate::realtime::broadcast::{self, WriteMethod};
pub use search::CarriedEntry;
use search::{FlushedUpTo, delete_anywhere, delete_by_id, delete_by_time, oldest_kept, still_kept};
use shape::{Shape, find_shape};

macro_rules! flushed {
    ($locking:literal) => {
        concat!(
            "select r.flushed_seq, greatest(r.flushed_at, h.last_at)
             from stream.chat_relay as r
             join stream.chat_heads as h on h.session_id = r.session_id
             where r.session_id = $1 ",
            $locking
        )
    };
}

statements! {
    READ_FLUSHED: Write [UUIDOID] flushed!("");

    HOLD_RELAY: Write [UUIDOID] flushed!("for no key update of r");

    HOLD_FREE_RELAY: Write [UUIDOID] flushed!("for no key update of r skip locked");

    /// What a decision told the user themself, soon after the time $2 of the decision: one index range.
    DELETE_TOLD: Write [TEXTOID, TIMESTAMPTZOID]
        "delete from realtime.messages as m
         where m.extension = 'broadcast' and m.private is true and m.topic = $1
             and m.inserted_at >= $2 at time zone 'UTC'
             and m.inserted_at <= ($2 + interval '10 minutes') at time zone 'UTC'";

    DELETE_TOPIC: Write [TEXTOID]
        "delete from realtime.messages as m where to_jsonb(m) ->> 'topic' = $1";

    OLDEST_MESSAGES: Write [UUIDOID, INT4OID]
        "select m.seq, m.created_at from stream.chat_messages as m
         where m.session_id = $1 order by m.seq limit $2";
}

/// Deletes what was committed of the frames of these messages and returns the messages of which none was
/// found. Nothing is held, so that the chat goes on meanwhile: [`delete`] must follow.
pub fn delete_committed(session: Uuid, messages: Vec<CarriedEntry>) -> Result<Vec<CarriedEntry>> {
    if messages.is_empty() || find_shape()? != Shape::Known {
        return Ok(messages);
    }
    let flushed = spi::first(&READ_FLUSHED, &[session.into()], FlushedUpTo::read)?
        .ok_or(Failure::Row("the session has no relay row"))?;
    let (sent, unsent): (Vec<_>, Vec<_>) = messages
        .into_iter()
        .partition(|message| message.seq <= flushed.seq);
    let mut left = delete_by_time(session, sent, &flushed)?;
    left.extend(unsent);
    Ok(left)
}

/// Deletes every frame of these messages, whose rows are changed already, and holds the session's relay
/// row: a frame that is written later shows them as they are then. Comes after the head row. Refuses when a
/// frame is missing that must be there: then something else was changed than this knows of.
pub fn delete(session: Uuid, messages: Vec<CarriedEntry>) -> Result<()> {
    let flushed = spi::first(&HOLD_RELAY, &[session.into()], FlushedUpTo::read)?
        .ok_or(Failure::Row("the session has no relay row"))?;
    let missing = delete_held(session, messages, &flushed)?;
    // Realtime's own function may lose a frame without a word.
    let may_be_lost = broadcast::find_write_method(clock::now()?)? == Some(WriteMethod::Send);
    match missing.first() {
        Some(message) if !may_be_lost => Err(Failure::with_hint(
            ErrorCode::Internal,
            format!(
                "no stored frame carries entry {} of the log, although it was sent; realtime.messages \
                 may hold a copy that was not found",
                message.seq
            ),
        )),
        _ => Ok(()),
    }
}

/// Deletes from a user's own topic what decisions at these times told them.
pub fn delete_told(user: Uuid, times: Vec<TimestampWithTimeZone>) -> Result<()> {
    if times.is_empty() {
        return Ok(());
    }
    let topic = format!("user:{}", json_text::uuid(user));
    match find_shape()? {
        Shape::Missing => {}
        Shape::Other => {
            spi::execute(&DELETE_TOPIC, &[topic.into()])?;
        }
        Shape::Known => {
            for time in times {
                spi::execute(&DELETE_TOLD, &[topic.as_str().into(), time.into()])?;
            }
        }
    }
    Ok(())
}

/// Deletes the frames of the oldest entries of a log, which are about to be deleted. False when
/// somebody sends for the session at the moment: then nothing is deleted.
pub fn expire(session: Uuid, batch: i32) -> Result<bool> {
    let Some(flushed) = spi::first(&HOLD_FREE_RELAY, &[session.into()], FlushedUpTo::read)? else {
        return Ok(false);
    };
    // Realtime keeps three days, so most streams that expire have no frame left.
    let is_known = find_shape()? == Shape::Known;
    if is_known
        && oldest_kept()?.is_none_or(|oldest| oldest.into_inner() > flushed.until.into_inner())
    {
        return Ok(true);
    }
    let arguments = [session.into(), batch.into()];
    let messages = spi::run(&OLDEST_MESSAGES, &arguments, |rows| {
        rows.map(|row| CarriedEntry::read(&row))
            .collect::<Result<Vec<_>>>()
    })?;
    // What is missing may have been Realtime's to delete.
    delete_held(session, messages, &flushed).map(|_| true)
}

/// The messages whose frame must be there and is not. The relay row is held.
fn delete_held(
    session: Uuid,
    messages: Vec<CarriedEntry>,
    flushed: &FlushedUpTo,
) -> Result<Vec<CarriedEntry>> {
    match find_shape()? {
        Shape::Missing => return Ok(Vec::new()),
        Shape::Known => {}
        Shape::Other => {
            delete_by_id(session, &messages)?;
            return Ok(Vec::new());
        }
    }
    let sent = messages
        .into_iter()
        .filter(|message| message.seq <= flushed.seq)
        .collect();
    let left = delete_by_time(session, sent, flushed)?;
    let left = still_kept(left)?;
    delete_anywhere(session, left)
}
