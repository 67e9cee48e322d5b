//! Deleting from `realtime.messages` the frames that carry deleted messages: Realtime keeps them for three
//! days and replays them to whoever joins.
//!
//! A frame lies at or behind the `created_at` of its messages and not behind `chat_relay.flushed_at`, in
//! the order of its numbers: from a message's time on, the first frame of its log that reaches its number
//! carries it. So the index on (inserted_at, topic) is read from there to that frame only, whatever else is
//! stored. What is not found that way was dated otherwise (a clock that was set back, `realtime.send`, which
//! dates by the begin of the transaction) and is looked for among all frames of the log. Frames are deleted
//! whole, with what else they carry: they are hints, and `sync` has the messages.

use std::collections::HashSet;

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::spi::SpiHeapTupleData;
use stream_core::error::ErrorCode;

use crate::clock;
use crate::postgres::error::{Failure, Result};
use crate::postgres::json_text;
use crate::postgres::spi::{self, column, statements};
use crate::realtime::broadcast::{self, WriteMethod};

/// The frames of topic $1, by the predicate of Realtime's own index. Numbers are compared as JSON, which
/// raises nothing whatever an application has sent there.
macro_rules! frames_of_topic {
    () => {
        "m.extension = 'broadcast' and m.private is true and m.topic = $1 and m.event = 'messages'
             and jsonb_typeof(m.payload -> 'from_seq') = 'number'
             and jsonb_typeof(m.payload -> 'to_seq') = 'number'"
    };
}

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
    /// Not there; as known to the statements below; of another shape.
    FIND_SHAPE: Write []
        "select to_regclass('realtime.messages') is not null,
             (select count(*) = 7 from pg_catalog.pg_attribute as a
              join (values
                  ('id', 'uuid'::regtype), ('topic', 'text'::regtype), ('extension', 'text'::regtype),
                  ('payload', 'jsonb'::regtype), ('event', 'text'::regtype),
                  ('private', 'boolean'::regtype), ('inserted_at', 'timestamp'::regtype)
              ) as k (name, type) on k.name = a.attname and k.type = a.atttypid
              where a.attrelid = to_regclass('realtime.messages') and not a.attisdropped)";

    READ_FLUSHED: Write [UUIDOID] flushed!("");

    HOLD_RELAY: Write [UUIDOID] flushed!("for no key update of r");

    HOLD_FREE_RELAY: Write [UUIDOID] flushed!("for no key update of r skip locked");

    RECORDED: Write [UUIDOID, INT8ARRAYOID]
        "select g.seq from stream.chat_deleted_frames as d
         cross join unnest($2) as g (seq)
         where d.session_id = $1 and d.seqs @> g.seq";

    /// One index range, from the time of the message to its frame.
    DELETE_CARRIER: Write [TEXTOID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID]
        concat!(
            "with carrier as (
                 select m.id, m.inserted_at, m.payload ->> 'from_seq' as from_seq,
                     m.payload ->> 'to_seq' as to_seq
                 from realtime.messages as m
                 where ", frames_of_topic!(), "
                     and m.inserted_at >= $3 at time zone 'UTC'
                     and m.inserted_at <= $4 at time zone 'UTC'
                     and m.payload -> 'to_seq' >= to_jsonb($2)
                 order by m.inserted_at limit 1
             )
             delete from realtime.messages as m using carrier as c
             where m.id = c.id and m.inserted_at = c.inserted_at and c.from_seq::bigint <= $2
             returning c.from_seq::bigint, c.to_seq::bigint"
        );

    /// Every frame of the log that is kept, once.
    DELETE_ANYWHERE: Write [TEXTOID, INT8ARRAYOID]
        concat!(
            "delete from realtime.messages as m
             where ", frames_of_topic!(), "
                 and exists (
                     select from unnest($2) as g (seq)
                     where to_jsonb(g.seq) between m.payload -> 'from_seq' and m.payload -> 'to_seq')
             returning (m.payload ->> 'from_seq')::bigint, (m.payload ->> 'to_seq')::bigint"
        );

    /// Of a table whose columns are not as known: every row that names one of the messages.
    DELETE_BY_ID: Write [UUIDOID, INT8ARRAYOID]
        "delete from realtime.messages as r
         where exists (
             select from stream.chat_messages as m
             where m.session_id = $1 and m.seq = any ($2)
                 and strpos(to_jsonb(r)::text, m.id::text) > 0)";

    /// What a decision told the user themself, soon after the time $2 of the decision: one index range.
    DELETE_TOLD: Write [TEXTOID, TIMESTAMPTZOID]
        "delete from realtime.messages as m
         where m.extension = 'broadcast' and m.private is true and m.topic = $1
             and m.inserted_at >= $2 at time zone 'UTC'
             and m.inserted_at <= ($2 + interval '10 minutes') at time zone 'UTC'";

    DELETE_TOPIC: Write [TEXTOID]
        "delete from realtime.messages as m where to_jsonb(m) ->> 'topic' = $1";

    RECORD: Write [UUIDOID, INT8ARRAYOID, INT8ARRAYOID]
        "insert into stream.chat_deleted_frames as d (session_id, seqs)
         select $1, range_agg(int8range(f.from_seq, f.to_seq, '[]'))
         from unnest($2, $3) as f (from_seq, to_seq)
         on conflict (session_id) do update set seqs = d.seqs + excluded.seqs";

    /// How far back Realtime's table reaches, whoever sent what it holds.
    OLDEST_KEPT: Write []
        "select m.inserted_at at time zone 'UTC' from realtime.messages as m
         where m.extension = 'broadcast' and m.private is true
         order by m.inserted_at limit 1";

    OLDEST_MESSAGES: Write [UUIDOID, INT4OID]
        "select m.seq, m.created_at from stream.chat_messages as m
         where m.session_id = $1 order by m.seq limit $2";
}

/// An entry of a log that frames may carry.
#[derive(Clone, Copy)]
pub struct Carried {
    pub seq: i64,
    pub created_at: TimestampWithTimeZone,
}

impl Carried {
    /// From columns `seq` and `created_at`.
    pub fn read(row: &SpiHeapTupleData<'_>) -> Result<Self> {
        Ok(Self {
            seq: column(row, 1)?,
            created_at: column(row, 2)?,
        })
    }
}

/// How far the frames of a log were written.
struct Flushed {
    seq: i64,
    /// No frame lies behind it, unless the clock was set back.
    until: TimestampWithTimeZone,
}

impl Flushed {
    fn read(row: &SpiHeapTupleData<'_>) -> Result<Self> {
        Ok(Self {
            seq: column(row, 1)?,
            until: column(row, 2)?,
        })
    }
}

/// What `realtime.messages` is like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Missing,
    Known,
    Other,
}

/// Deletes what was committed of the frames of these messages and returns the messages of which none was
/// found. Nothing is held, so that the chat goes on meanwhile: [`delete`] must follow.
pub fn delete_committed(session: Uuid, messages: Vec<Carried>) -> Result<Vec<Carried>> {
    if messages.is_empty() || find_shape()? != Shape::Known {
        return Ok(messages);
    }
    let flushed = spi::first(&READ_FLUSHED, &[session.into()], Flushed::read)?
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
pub fn delete(session: Uuid, messages: Vec<Carried>) -> Result<()> {
    let flushed = spi::first(&HOLD_RELAY, &[session.into()], Flushed::read)?
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
    let Some(flushed) = spi::first(&HOLD_FREE_RELAY, &[session.into()], Flushed::read)? else {
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
        rows.map(|row| Carried::read(&row))
            .collect::<Result<Vec<_>>>()
    })?;
    // What is missing may have been Realtime's to delete.
    delete_held(session, messages, &flushed).map(|_| true)
}

/// The messages whose frame must be there and is not. The relay row is held.
fn delete_held(session: Uuid, messages: Vec<Carried>, flushed: &Flushed) -> Result<Vec<Carried>> {
    match find_shape()? {
        Shape::Missing => return Ok(Vec::new()),
        Shape::Known => {}
        Shape::Other => {
            spi::execute(&DELETE_BY_ID, &[session.into(), seqs(&messages).into()])?;
            return Ok(Vec::new());
        }
    }
    let sent = messages
        .into_iter()
        .filter(|message| message.seq <= flushed.seq)
        .collect();
    let left = delete_by_time(session, sent, flushed)?;
    let left = without_forgotten(left)?;
    if left.is_empty() {
        return Ok(left);
    }
    let arguments = [topic(session).into(), seqs(&left).into()];
    let deleted = spi::run(&DELETE_ANYWHERE, &arguments, |rows| {
        rows.map(|row| range(&row)).collect::<Result<Vec<_>>>()
    })?;
    record(session, &deleted)?;
    let is_found = |message: &Carried| {
        deleted
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&message.seq))
    };
    Ok(left
        .into_iter()
        .filter(|message| !is_found(message))
        .collect())
}

/// Deletes the frames of messages that were sent, each by one short range of the index, and returns those
/// of which none was found, now or before. `messages` is in the order of `seq`.
fn delete_by_time(
    session: Uuid,
    messages: Vec<Carried>,
    flushed: &Flushed,
) -> Result<Vec<Carried>> {
    if messages.is_empty() {
        return Ok(messages);
    }
    let arguments = [session.into(), seqs(&messages).into()];
    let recorded = spi::run(&RECORDED, &arguments, |rows| {
        rows.map(|row| column::<i64>(&row, 1))
            .collect::<Result<HashSet<_>>>()
    })?;
    let topic = topic(session);
    let mut deleted: Vec<(i64, i64)> = Vec::new();
    let mut left = Vec::new();
    for message in messages {
        let is_with_the_last = deleted.last().is_some_and(|(_, to)| message.seq <= *to);
        if is_with_the_last || recorded.contains(&message.seq) {
            continue;
        }
        let arguments = [
            topic.as_str().into(),
            message.seq.into(),
            message.created_at.into(),
            flushed.until.into(),
        ];
        match spi::first(&DELETE_CARRIER, &arguments, range)? {
            Some(range) => deleted.push(range),
            None => left.push(message),
        }
    }
    record(session, &deleted)?;
    Ok(left)
}

/// Leaves out the messages from before everything that Realtime's table holds, and those of a day whose
/// partition is gone: Realtime drops them after 72 hours, an operator sooner.
fn without_forgotten(messages: Vec<Carried>) -> Result<Vec<Carried>> {
    if messages.is_empty() {
        return Ok(messages);
    }
    let Some(oldest) = oldest_kept()? else {
        return Ok(Vec::new());
    };
    let now = clock::now()?;
    let mut kept = Vec::new();
    for message in messages {
        // Of a time ahead of the clock, the clock was set back: its frame lies before it.
        let is_ahead = message.created_at.into_inner() > now.into_inner();
        if message.created_at.into_inner() > oldest.into_inner()
            && (is_ahead || broadcast::has_partition(message.created_at)?)
        {
            kept.push(message);
        }
    }
    Ok(kept)
}

fn oldest_kept() -> Result<Option<TimestampWithTimeZone>> {
    spi::first(&OLDEST_KEPT, &[], |row| column(row, 1))
}

/// So that a message whose frame went with another message is not looked for again.
fn record(session: Uuid, deleted: &[(i64, i64)]) -> Result<()> {
    if deleted.is_empty() {
        return Ok(());
    }
    let (from, to): (Vec<i64>, Vec<i64>) = deleted.iter().copied().unzip();
    spi::execute(&RECORD, &[session.into(), from.into(), to.into()]).map(|_| ())
}

fn find_shape() -> Result<Shape> {
    let shape = spi::first(&FIND_SHAPE, &[], |row| {
        Ok(match (column(row, 1)?, column(row, 2)?) {
            (false, _) => Shape::Missing,
            (true, true) => Shape::Known,
            (true, false) => Shape::Other,
        })
    })?;
    shape.ok_or(Failure::Row("no answer of the catalogue"))
}

fn range(row: &SpiHeapTupleData<'_>) -> Result<(i64, i64)> {
    Ok((column(row, 1)?, column(row, 2)?))
}

fn seqs(messages: &[Carried]) -> Vec<i64> {
    messages.iter().map(|message| message.seq).collect()
}

fn topic(session: Uuid) -> String {
    format!("chat:{}", json_text::uuid(session))
}
