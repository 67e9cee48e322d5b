//! Broadcasting one event: a row of `realtime.messages`, written in the transaction of the change.
//!
//! A row is dated by the moment at which it is written, not by the begin of its transaction, so that a log's
//! frames lie in the order of its numbers, none before its messages, and are found by their time.

use std::cell::Cell;

use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::clock;
use crate::postgres::caller;
use crate::postgres::column::columns;
use crate::postgres::commit::wait_for_the_disk;
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::postgres::relcache;
use crate::postgres::spi::{self, statements};
use crate::postgres::utc::in_utc;
use crate::realtime::{late_events, sends, table_lock};

/// Postgres counts timestamps in microseconds from 2000-01-01 UTC.
const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;

statements! {
    /// Whether a partition takes rows of the day of $1 (UTC, as Realtime counts days), and whether the
    /// columns are those that the direct insert names; if not, Realtime's own function writes. A table with
    /// the partition's name that is not attached does not count.
    FIND_TARGET: Write [TIMESTAMPTZOID] -> Target,
        "select
             exists (
                 select from pg_catalog.pg_inherits as i
                 where i.inhparent = to_regclass('realtime.messages')
                     and i.inhrelid = to_regclass(
                         'realtime.messages_' || to_char($1 at time zone 'UTC', 'YYYY_MM_DD'))
                     and not i.inhdetachpending
             ) or exists (
                 select from pg_catalog.pg_partitioned_table as t
                 where t.partrelid = to_regclass('realtime.messages') and t.partdefid <> 0
             ) as has_partition,
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
                  and a.attnum > 0 and not a.attisdropped) as has_columns";

    INSERT_MESSAGE: Write [TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID]
        "insert into realtime.messages
             (topic, extension, payload, event, private, inserted_at, updated_at)
         values
             ($1, 'broadcast', $3::jsonb, $2, true, $4 at time zone 'UTC', $4 at time zone 'UTC')";

    SEND: Write [TEXTOID, TEXTOID, TEXTOID]
        "select realtime.send($3::jsonb, $2, $1, true)";

    /// Whether a type or a relation of the session has the name of one of Postgres's own.
    IS_SHADOWED: Write [] -> bool,
        "select exists (
             select from pg_catalog.pg_type as t
             join pg_catalog.pg_type as hidden
                 on hidden.typname = t.typname and hidden.typnamespace = 'pg_catalog'::regnamespace
             where t.typnamespace = pg_my_temp_schema())";
}

columns! {
    struct Target {
        has_partition: bool,
        has_columns: bool,
    }
}

/// The way in which a row is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum WriteMethod {
    Insert,
    /// By Realtime's own function, which dates a row by the begin of the transaction.
    Send,
}

/// A cached method, and how long it holds.
#[derive(Clone, Copy)]
struct Found {
    /// The day whose partition was found, in days since 2000-01-01 UTC.
    day: i64,
    /// The count of relcache invalidations: a later one may have changed partitions or columns.
    known_at: u32,
    method: WriteMethod,
}

thread_local! {
    static FOUND: Cell<Option<Found>> = const { Cell::new(None) };
}

/// Broadcasts one event to a private topic. `payload` is the text of a JSON object.
#[pg_extern]
fn emit(topic: Option<&str>, event: Option<&str>, payload: Option<&str>) {
    or_raise(emit_event(topic, event, payload))
}

fn emit_event(topic: Option<&str>, event: Option<&str>, payload: Option<&str>) -> Result<()> {
    caller::enter_as_owner()?;
    let (topic, event) = (required(topic, "topic")?, required(event, "event")?);
    broadcast(topic, event, required(payload, "payload")?)
}

/// Writes one event now. While no partition takes it, it is noted, to be sent late.
pub fn broadcast(topic: &str, event: &str, payload: &str) -> Result<()> {
    let now = clock::now()?;
    match hold_write_method(now)? {
        Some(method) => {
            write(method, topic, event, payload, now)?;
            sends::note(topic, event)
        }
        None => late_events::note(topic, event, payload),
    }
}

/// Returns how to write a row dated `at`, valid until the transaction ends; none while no partition takes it. Locks
/// Realtime's table as an insert does, so no partition is dropped before the row is written.
pub fn hold_write_method(at: TimestampWithTimeZone) -> Result<Option<WriteMethod>> {
    if table_lock::is_held(day_of(at.into_inner())) {
        return Ok(None);
    }
    let mode = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
    let (schema, name) = (
        c"realtime".as_ptr().cast_mut(),
        c"messages".as_ptr().cast_mut(),
    );
    let if_there = pg_sys::RVROption::RVR_MISSING_OK;
    // SAFETY: looks a constant name up inside a transaction and locks what it means. Locking takes in what
    // was invalidated until now.
    unsafe {
        let table = pg_sys::makeRangeVar(schema, name, -1);
        pg_sys::RangeVarGetRelidExtended(table, mode, if_there, None, std::ptr::null_mut());
    }
    find_write_method(at)
}

/// Returns how to write a row dated `at`, without a lock, so it can be wrong a moment later.
pub fn find_write_method(at: TimestampWithTimeZone) -> Result<Option<WriteMethod>> {
    let day = day_of(at.into_inner());
    if table_lock::is_held(day) {
        return Ok(None);
    }
    let begin = clock::transaction_start();
    let known_at = relcache::invalidations();
    if let Some(found) = FOUND.get()
        && (found.day, found.known_at) == (day, known_at)
        && (found.method == WriteMethod::Insert || day_of(begin) == day)
    {
        return Ok(Some(found.method));
    }
    let (has_partition, has_columns) = look_for(at)?;
    if !has_partition {
        return Ok(None);
    }
    let method = if has_columns {
        WriteMethod::Insert
    } else {
        WriteMethod::Send
    };
    if method == WriteMethod::Send
        && day_of(begin) != day
        && !look_for(clock::from_microseconds(begin)?)?.0
    {
        return Ok(None);
    }
    FOUND.set(Some(Found {
        day,
        known_at,
        method,
    }));
    Ok(Some(method))
}

/// Whether the regular work cannot write because another transaction keeps the table locked.
pub fn is_held() -> Result<bool> {
    Ok(table_lock::is_held(day_of(clock::now()?.into_inner())))
}

/// Takes the lock that a broadcast of this moment needs, within a short time or only if it is free; false: another
/// transaction keeps the table locked.
pub fn take_lock(may_wait: bool) -> Result<bool> {
    let day = day_of(clock::now()?.into_inner());
    Ok(match may_wait {
        true => table_lock::take_soon(day),
        false => table_lock::take_if_free(day),
    })
}

/// Whether a partition takes rows dated `at`.
pub fn has_partition(at: TimestampWithTimeZone) -> Result<bool> {
    look_for(at).map(|(has_partition, _)| has_partition)
}

fn look_for(at: TimestampWithTimeZone) -> Result<(bool, bool)> {
    let target = spi::first(&FIND_TARGET, &[at.into()])?;
    Ok(target.map_or((false, false), |target| {
        (target.has_partition, target.has_columns)
    }))
}

const fn day_of(microseconds: i64) -> i64 {
    microseconds.div_euclid(MICROSECONDS_PER_DAY)
}

/// Writes a row; `at` is the time for which the method was found.
pub fn write(
    method: WriteMethod,
    topic: &str,
    event: &str,
    payload: &str,
    at: TimestampWithTimeZone,
) -> Result<()> {
    wait_for_the_disk();
    let message = [topic.into(), event.into(), payload.into()];
    match method {
        WriteMethod::Insert => {
            let [topic, event, payload] = message;
            spi::execute(&INSERT_MESSAGE, &[topic, event, payload, at.into()])
        }
        // It dates the row in the session's time zone, and partitions are days in UTC.
        WriteMethod::Send => {
            refuse_shadows()?;
            in_utc(|| spi::execute(&SEND, &message))
        }
    }
    .map(|_| ())
}

/// Refuses while the session has temporary types with names of Postgres's own. Realtime's function sets an empty search
/// path, under which they come first: a caller's domain named `uuid` would run its checks as the owner of our tables.
fn refuse_shadows() -> Result<()> {
    if spi::first(&IS_SHADOWED, &[])? == Some(true) {
        return Err(Failure::with_hint(
            ErrorCode::Forbidden,
            "drop the temporary types and tables that have names of Postgres's own",
        ));
    }
    Ok(())
}
