//! Finding and deleting the stored frames that carry given entries of a log: by time, by number, by message id.

use std::collections::HashSet;

use pgrx::datum::{TimestampWithTimeZone, Uuid};

use crate::clock;
use crate::postgres::column::columns;
use crate::postgres::error::Result;
use crate::postgres::json_text;
use crate::postgres::spi::{self, statements};
use crate::realtime::broadcast;

/// The frames of topic $1, by the predicate of Realtime's own index. Numbers are compared as JSON, which
/// never raises, whatever an application has sent to the topic.
macro_rules! frames_of_topic {
    () => {
        "m.extension = 'broadcast' and m.private is true and m.topic = $1 and m.event = 'messages'
             and jsonb_typeof(m.payload -> 'from_seq') = 'number'
             and jsonb_typeof(m.payload -> 'to_seq') = 'number'"
    };
}

statements! {
    RECORDED: Write [UUIDOID, INT8ARRAYOID] -> i64,
        "select g.seq from stream.chat_deleted_frames as d
         cross join unnest($2) as g (seq)
         where d.session_id = $1 and d.seqs @> g.seq";

    /// One index range, from the time of the message to its frame.
    DELETE_CARRIER: Write [TEXTOID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID] -> FrameRange,
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
             returning c.from_seq::bigint as first, c.to_seq::bigint as last"
        );

    /// Every frame of the log that is kept, once.
    DELETE_ANYWHERE: Write [TEXTOID, INT8ARRAYOID] -> FrameRange,
        concat!(
            "delete from realtime.messages as m
             where ", frames_of_topic!(), "
                 and exists (
                     select from unnest($2) as g (seq)
                     where to_jsonb(g.seq) between m.payload -> 'from_seq' and m.payload -> 'to_seq')
             returning (m.payload ->> 'from_seq')::bigint as first,
                 (m.payload ->> 'to_seq')::bigint as last"
        );

    /// For a table with other columns: every row that contains the id of one of the messages.
    DELETE_BY_ID: Write [UUIDOID, INT8ARRAYOID]
        "delete from realtime.messages as r
         where exists (
             select from stream.chat_messages as m
             where m.session_id = $1 and m.seq = any ($2)
                 and strpos(to_jsonb(r)::text, m.id::text) > 0)";

    RECORD: Write [UUIDOID, INT8ARRAYOID, INT8ARRAYOID]
        "insert into stream.chat_deleted_frames as d (session_id, seqs)
         select $1, range_agg(int8range(f.from_seq, f.to_seq, '[]'))
         from unnest($2, $3) as f (from_seq, to_seq)
         on conflict (session_id) do update set seqs = d.seqs + excluded.seqs";

    /// The oldest broadcast in Realtime's table, of any sender.
    OLDEST_KEPT: Write [] -> TimestampWithTimeZone,
        "select m.inserted_at at time zone 'UTC' from realtime.messages as m
         where m.extension = 'broadcast' and m.private is true
         order by m.inserted_at limit 1";
}

columns! {
    /// An entry of a log that frames may carry.
    #[derive(Clone, Copy)]
    pub struct CarriedEntry {
        pub seq: i64,
        pub created_at: TimestampWithTimeZone,
    }

    /// The newest entry of a log that a frame carries.
    pub struct FlushedUpTo {
        pub seq: i64,
        /// No frame is dated later, unless the clock was set back.
        pub until: TimestampWithTimeZone,
    }

    /// The entries that a frame carries.
    struct FrameRange {
        first: i64,
        last: i64,
    }
}

/// Deletes the frames of sent messages, each by one short range of the index, and returns those messages of which none
/// was found, now or before. `messages` is in the order of `seq`.
pub fn delete_by_time(
    session: Uuid,
    messages: Vec<CarriedEntry>,
    flushed: &FlushedUpTo,
) -> Result<Vec<CarriedEntry>> {
    if messages.is_empty() {
        return Ok(messages);
    }
    let arguments = [session.into(), seqs(&messages).into()];
    let recorded: HashSet<i64> = spi::all(&RECORDED, &arguments)?.into_iter().collect();
    let topic = topic(session);
    let mut deleted: Vec<FrameRange> = Vec::new();
    let mut left = Vec::new();
    for message in messages {
        let is_with_the_last = deleted
            .last()
            .is_some_and(|frame| message.seq <= frame.last);
        if is_with_the_last || recorded.contains(&message.seq) {
            continue;
        }
        let arguments = [
            topic.as_str().into(),
            message.seq.into(),
            message.created_at.into(),
            flushed.until.into(),
        ];
        match spi::first(&DELETE_CARRIER, &arguments)? {
            Some(frame) => deleted.push(frame),
            None => left.push(message),
        }
    }
    record(session, &deleted)?;
    Ok(left)
}

/// Leaves out the messages from before everything that Realtime's table holds, and those of a day whose
/// partition is gone: Realtime drops them after 72 hours, an operator sooner.
pub fn still_kept(messages: Vec<CarriedEntry>) -> Result<Vec<CarriedEntry>> {
    if messages.is_empty() {
        return Ok(messages);
    }
    let Some(oldest) = oldest_kept()? else {
        return Ok(Vec::new());
    };
    let now = clock::now()?;
    let mut kept = Vec::new();
    for message in messages {
        // A time ahead of the clock means that the clock was set back, and the frame is dated earlier.
        let is_ahead = message.created_at.into_inner() > now.into_inner();
        if message.created_at.into_inner() > oldest.into_inner()
            && (is_ahead || broadcast::has_partition(message.created_at)?)
        {
            kept.push(message);
        }
    }
    Ok(kept)
}

pub fn oldest_kept() -> Result<Option<TimestampWithTimeZone>> {
    spi::first(&OLDEST_KEPT, &[])
}

/// Records the deleted ranges, so that a message whose frame was deleted with another's is not searched again.
fn record(session: Uuid, deleted: &[FrameRange]) -> Result<()> {
    if deleted.is_empty() {
        return Ok(());
    }
    let ranges = deleted.iter().map(|frame| (frame.first, frame.last));
    let (from, to): (Vec<i64>, Vec<i64>) = ranges.unzip();
    spi::execute(&RECORD, &[session.into(), from.into(), to.into()]).map(|_| ())
}

/// Deletes every frame of the log that carries one of these messages, and returns those of which none was found.
pub fn delete_anywhere(session: Uuid, messages: Vec<CarriedEntry>) -> Result<Vec<CarriedEntry>> {
    if messages.is_empty() {
        return Ok(messages);
    }
    let arguments = [topic(session).into(), seqs(&messages).into()];
    let deleted = spi::all(&DELETE_ANYWHERE, &arguments)?;
    record(session, &deleted)?;
    let is_found = |message: &CarriedEntry| {
        deleted
            .iter()
            .any(|frame| (frame.first..=frame.last).contains(&message.seq))
    };
    Ok(messages
        .into_iter()
        .filter(|message| !is_found(message))
        .collect())
}

/// Deletes every row that names one of these messages, from a table of another shape.
pub fn delete_by_id(session: Uuid, messages: &[CarriedEntry]) -> Result<()> {
    spi::execute(&DELETE_BY_ID, &[session.into(), seqs(messages).into()]).map(|_| ())
}

fn seqs(messages: &[CarriedEntry]) -> Vec<i64> {
    messages.iter().map(|message| message.seq).collect()
}

fn topic(session: Uuid) -> String {
    format!("chat:{}", json_text::uuid(session))
}
