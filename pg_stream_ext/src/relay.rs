//! How do changes reach Supabase Realtime?
//!
//! One way only: a row in `realtime.messages`, written in the transaction of the change.

use std::cell::Cell;

use pgrx::datum::Uuid;
use pgrx::prelude::*;
use stream_core::frame;

use crate::caller;
use crate::commit::wait_for_the_disk;
use crate::epoch::{epoch_origin, epoch_sql};
use crate::error::{Failure, Result, answer, required};
use crate::history::message_json;
use crate::spi::{self, column, statements};

/// How many log entries UNFLUSHED reads at once; several frames may come of them.
const PAGE: usize = 500;

/// Postgres counts timestamps in microseconds from 2000-01-01 UTC.
const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;

statements! {
    /// The relay row's lock decides who writes the next frame.
    LOCK_RELAY: Write [UUIDOID, TEXTOID]
        concat!(
            "select r.flushed_seq, h.last_seq, ", epoch_sql!("$2"), ",
                 to_jsonb(clock_timestamp())::text
             from stream.chat_relay as r
             join stream.chat_heads as h on h.session_id = r.session_id
             cross join stream.config as c
             where r.session_id = $1
             for no key update of r"
        );

    UNFLUSHED: Write [UUIDOID, INT8OID]
        concat!(
            "select m.seq, ", message_json!(), "::text
             from stream.chat_messages as m
             where m.session_id = $1 and m.seq > $2
             order by m.seq
             limit 500"
        );

    SET_FLUSHED: Write [UUIDOID, INT8OID]
        "update stream.chat_relay set flushed_seq = $2, flushed_at = clock_timestamp()
         where session_id = $1";

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
#[derive(Clone, Copy)]
enum Target {
    Insert,
    Send,
}

thread_local! {
    /// The last day whose partition was seen, in days since 2000-01-01 UTC.
    static TARGET: Cell<Option<(i64, Target)>> = const { Cell::new(None) };
}

/// Writes what the session's log has beyond the last frame. Without a partition for today it
/// leaves everything for later: the messages stay, and `sync` finds them.
#[pg_extern]
fn flush(session_id: Option<Uuid>) {
    answer(flush_session(session_id))
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

fn flush_session(session_id: Option<Uuid>) -> Result<()> {
    caller::enter_as_owner()?;
    let session = required(session_id, "session_id")?;
    let Some(target) = find_target()? else {
        return Ok(());
    };
    let relay = spi::first(
        &LOCK_RELAY,
        &[session.into(), epoch_origin().into()],
        |row| {
            Ok(Relay {
                flushed_seq: column(row, 1)?,
                head_seq: column(row, 2)?,
                epoch: column(row, 3)?,
                server_time: column(row, 4)?,
            })
        },
    )?;
    let relay = relay.ok_or(Failure::Row("the session has no relay row"))?;
    let topic = format!("chat:{session}");
    let header = frame::Header {
        session_id: &session.to_string(),
        epoch: &relay.epoch,
        head_seq: relay.head_seq,
        server_time_json: &relay.server_time,
    };
    let mut flushed_seq = relay.flushed_seq;
    loop {
        let page = spi::run(&UNFLUSHED, &[session.into(), flushed_seq.into()], |rows| {
            rows.map(|row| {
                Ok(frame::Entry {
                    seq: column(&row, 1)?,
                    json: column(&row, 2)?,
                })
            })
            .collect::<Result<Vec<frame::Entry>>>()
        })?;
        for entries in frame::split(&page) {
            if let Some(payload) = frame::payload(&header, entries) {
                write(target, &topic, "messages", &payload)?;
            }
        }
        if let Some(last) = page.last() {
            flushed_seq = last.seq;
        }
        if page.len() < PAGE {
            break;
        }
    }
    spi::execute(&SET_FLUSHED, &[session.into(), flushed_seq.into()]).map(|_| ())
}

struct Relay {
    flushed_seq: i64,
    head_seq: i64,
    epoch: String,
    server_time: String,
}

fn find_target() -> Result<Option<Target>> {
    // SAFETY: reads a variable of this backend.
    let now = unsafe { pg_sys::GetCurrentTransactionStartTimestamp() };
    let today = now.div_euclid(MICROSECONDS_PER_DAY);
    if let Some((day, target)) = TARGET.get()
        && day == today
    {
        return Ok(Some(target));
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
    TARGET.set(Some((today, target)));
    Ok(Some(target))
}

fn write(target: Target, topic: &str, event: &str, payload: &str) -> Result<()> {
    wait_for_the_disk();
    let statement = match target {
        Target::Insert => &INSERT_MESSAGE,
        Target::Send => &SEND,
    };
    spi::execute(statement, &[topic.into(), event.into(), payload.into()]).map(|_| ())
}
