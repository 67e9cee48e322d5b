//! Deleting the stored frames of deleted messages from `realtime.messages`.
//!
//! Realtime keeps frames for three days and replays them to clients that join.
//!
//! A frame lies at or behind the `created_at` of its messages and not behind `chat_relay.flushed_at`, in
//! the order of its numbers: from a message's time on, the first frame of its log that reaches its number
//! carries it. So the index on (inserted_at, topic) is read from there to that frame only, whatever else is
//! stored. A frame that is not found that way was dated otherwise (a clock that was set back, `realtime.send`, which
//! dates by the begin of the transaction) and is searched among all frames of the log. Frames are deleted
//! whole, with the other messages they carry: clients get those from `sync`.

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
            "select r.flushed_seq as seq, greatest(r.flushed_at, h.last_at) as until
             from stream.chat_relay as r
             join stream.chat_heads as h on h.session_id = r.session_id
             where r.session_id = $1 ",
            $locking
        )
    };
}

statements! {
    READ_FLUSHED: Write [UUIDOID] -> FlushedUpTo, flushed!("");

    HOLD_RELAY: Write [UUIDOID] -> FlushedUpTo, flushed!("for no key update of r");

    HOLD_FREE_RELAY: Write [UUIDOID] -> FlushedUpTo, flushed!("for no key update of r skip locked");

    /// Notifications to a user about a decision, which follow soon after its time $2: one index range.
    DELETE_NOTIFICATIONS: Write [TEXTOID, TIMESTAMPTZOID]
        "delete from realtime.messages as m
         where m.extension = 'broadcast' and m.private is true and m.topic = $1
             and m.inserted_at >= $2 at time zone 'UTC'
             and m.inserted_at <= ($2 + interval '10 minutes') at time zone 'UTC'";

    DELETE_TOPIC: Write [TEXTOID]
        "delete from realtime.messages as m where to_jsonb(m) ->> 'topic' = $1";

    OLDEST_MESSAGES: Write [UUIDOID, INT4OID] -> CarriedEntry,
        "select m.seq, m.created_at from stream.chat_messages as m
         where m.session_id = $1 order by m.seq limit $2";
}

/// Deletes the committed frames of these messages and returns the messages of which none was found. Nothing is locked,
/// so that the chat goes on meanwhile: [`delete`] must follow.
pub fn delete_committed(session: Uuid, messages: Vec<CarriedEntry>) -> Result<Vec<CarriedEntry>> {
    if messages.is_empty() || find_shape()? != Shape::Known {
        return Ok(messages);
    }
    let flushed = spi::first(&READ_FLUSHED, &[session.into()])?
        .ok_or(Failure::Row("the session has no relay row"))?;
    let (sent, unsent): (Vec<_>, Vec<_>) = messages
        .into_iter()
        .partition(|message| message.seq <= flushed.seq);
    let mut left = delete_by_time(session, sent, &flushed)?;
    left.extend(unsent);
    Ok(left)
}

/// Deletes every frame of these messages, whose rows are already changed, and locks the session's relay
/// row: a frame that is written later carries them as changed. Comes after the head row. Refuses when a frame
/// is missing that must exist: a copy could be left.
pub fn delete(session: Uuid, messages: Vec<CarriedEntry>) -> Result<()> {
    let flushed = spi::first(&HOLD_RELAY, &[session.into()])?
        .ok_or(Failure::Row("the session has no relay row"))?;
    let missing = delete_held(session, messages, &flushed)?;
    // Realtime's own function can drop a frame silently.
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

/// Deletes the notifications about decisions of these times from a user's own topic.
pub fn delete_notifications(user: Uuid, times: Vec<TimestampWithTimeZone>) -> Result<()> {
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
                spi::execute(&DELETE_NOTIFICATIONS, &[topic.as_str().into(), time.into()])?;
            }
        }
    }
    Ok(())
}

/// Deletes the frames of the oldest entries of a log, which are about to be deleted. Returns false, and deletes
/// nothing, while another transaction holds the relay row.
pub fn expire(session: Uuid, batch: i32) -> Result<bool> {
    let Some(flushed) = spi::first(&HOLD_FREE_RELAY, &[session.into()])? else {
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
    let messages = spi::all(&OLDEST_MESSAGES, &arguments)?;
    // Realtime may have deleted the missing ones.
    delete_held(session, messages, &flushed).map(|_| true)
}

/// Deletes the frames of these messages and returns the messages whose frame must exist and was not found. The relay row
/// is locked.
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
