//! How is one event handed to Supabase Realtime?
//!
//! As a row of `realtime.messages`, written in the transaction of the change.

use std::cell::Cell;

use pgrx::prelude::*;

use crate::caller;
use crate::commit::wait_for_the_disk;
use crate::error::{Result, answer, required};
use crate::relcache;
use crate::spi::{self, column, statements};

/// Postgres counts timestamps in microseconds from 2000-01-01 UTC.
const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;

statements! {
    /// Whether today's partition is there (UTC, as Realtime counts days), and whether the columns
    /// are those that the direct insert names; if not, Realtime's own function writes.
    FIND_TARGET: Write []
        "select
             to_regclass(
                 'realtime.messages_' || to_char(now() at time zone 'UTC', 'YYYY_MM_DD')
             ) is not null,
             (select count(*) filter (where k.name is not null) = 7
                 -- A column that is not filled here must not be demanded.
                 and count(*) filter (
                     where k.name is null and a.attnotnull and not a.atthasdef) = 0
              from pg_catalog.pg_attribute as a
              left join (values
                  ('topic', 'text'::regtype), ('extension', 'text'::regtype),
                  ('payload', 'jsonb'::regtype), ('event', 'text'::regtype),
                  ('private', 'boolean'::regtype), ('inserted_at', 'timestamp'::regtype),
                  ('updated_at', 'timestamp'::regtype)
              ) as k (name, type) on k.name = a.attname and k.type = a.atttypid
              where a.attrelid = to_regclass('realtime.messages')
                  and a.attnum > 0 and not a.attisdropped)";

    INSERT_MESSAGE: Write [TEXTOID, TEXTOID, TEXTOID]
        "insert into realtime.messages
             (topic, extension, payload, event, private, inserted_at, updated_at)
         values
             ($1, 'broadcast', $3::jsonb, $2, true, now() at time zone 'UTC', now() at time zone 'UTC')";

    SEND: Write [TEXTOID, TEXTOID, TEXTOID]
        "select realtime.send($3::jsonb, $2, $1, true)";
}

/// How a message is written today.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Insert,
    Send,
}

/// What was found, and until when it holds.
#[derive(Clone, Copy)]
struct Found {
    /// The day whose partition was seen, in days since 2000-01-01 UTC.
    day: i64,
    /// Its columns may be others once Postgres has forgotten a table.
    known_at: u32,
    target: Target,
}

thread_local! {
    static FOUND: Cell<Option<Found>> = const { Cell::new(None) };
}

/// Broadcasts one event to a private topic. `payload` is the text of a JSON object.
#[pg_extern]
fn emit(topic: Option<&str>, event: Option<&str>, payload: Option<&str>) {
    answer(emit_event(topic, event, payload))
}

fn emit_event(topic: Option<&str>, event: Option<&str>, payload: Option<&str>) -> Result<()> {
    caller::enter_as_owner()?;
    let (topic, event) = (required(topic, "topic")?, required(event, "event")?);
    let payload = required(payload, "payload")?;
    match find_target()? {
        Some(target) => write(target, topic, event, payload),
        None => Ok(()),
    }
}

/// How to write today; nothing while today's partition is missing.
pub fn find_target() -> Result<Option<Target>> {
    // SAFETY: reads a variable of this backend.
    let now = unsafe { pg_sys::GetCurrentTransactionStartTimestamp() };
    let today = now.div_euclid(MICROSECONDS_PER_DAY);
    let known_at = relcache::forgotten();
    if let Some(found) = FOUND.get()
        && (found.day, found.known_at) == (today, known_at)
    {
        return Ok(Some(found.target));
    }
    let (has_partition, has_columns) = spi::first(&FIND_TARGET, &[], |row| {
        Ok((column(row, 1)?, column(row, 2)?))
    })?
    .unwrap_or((false, false));
    if !has_partition {
        return Ok(None);
    }
    let target = if has_columns {
        Target::Insert
    } else {
        Target::Send
    };
    FOUND.set(Some(Found {
        day: today,
        known_at,
        target,
    }));
    Ok(Some(target))
}

pub fn write(target: Target, topic: &str, event: &str, payload: &str) -> Result<()> {
    wait_for_the_disk();
    let statement = match target {
        Target::Insert => &INSERT_MESSAGE,
        Target::Send => &SEND,
    };
    spi::execute(statement, &[topic.into(), event.into(), payload.into()]).map(|_| ())
}
