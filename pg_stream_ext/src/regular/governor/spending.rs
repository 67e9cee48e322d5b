//! What broadcasts have cost: table `realtime_spending`.

use std::collections::HashMap;

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use stream_core::governor::{AVERAGE_S, BUCKET_S};

use crate::clock::{self, MICROSECONDS_PER_S, Microseconds};
use crate::postgres::column::columns;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};

const BUCKET_US: Microseconds = BUCKET_S.cast_signed() * MICROSECONDS_PER_S;

/// Buckets that the last minute touches.
const BUCKETS: Microseconds = (AVERAGE_S / BUCKET_S).cast_signed() + 1;

statements! {
    TAKE_SENDS: Write [] -> Sends,
        "with free as materialized (
             select n.id from stream.realtime_sends as n order by n.id limit 20000 for update skip locked
         ), taken as (
             delete from stream.realtime_sends as n where n.id = any (array(select f.id from free as f))
             returning n.kind, n.session_id
         )
         select t.kind, t.session_id, count(*) as count from taken as t group by t.kind, t.session_id";

    INSERT: Write [TIMESTAMPTZOID, INT8ARRAYOID]
        "insert into stream.realtime_spending
             (at, frames, viewer_counts, states, users, reactions, canary, others, urgent)
         values ($1, $2[1], $2[2], $2[3], $2[4], $2[5], $2[6], $2[7], $2[8])";

    /// What lies ahead of the clock is from before the clock was set back.
    LAST_MINUTE: Write [TIMESTAMPTZOID, TIMESTAMPTZOID] -> LastMinute,
        "select
             coalesce(sum(p.frames + p.viewer_counts + p.states + p.users + p.reactions + p.canary + p.others), 0)::bigint
                 as spent,
             coalesce(sum(p.urgent), 0)::bigint as urgent
         from stream.realtime_spending as p
         where p.span_s = 5 and p.at >= $1 and p.at <= $2";

    /// Rows that somebody holds stay ahead of the clock, where nothing counts them.
    MOVE_BACK: Write [TIMESTAMPTZOID, INT8OID]
        "update stream.realtime_spending as u set at = u.at - $2 * interval '1 microsecond'
         where u.id = any (array(
             select p.id from stream.realtime_spending as p
             where p.span_s = 5 or p.at > $1
             order by p.id limit 20000 for update skip locked))";

    HAS_OLD: Write [TIMESTAMPTZOID] -> bool,
        "select exists (select from stream.realtime_spending as p where p.span_s = 5 and p.at < $1)";

    /// Adds up whole hours. Rows that somebody holds are left to the next time.
    ADD_UP: Write [TIMESTAMPTZOID]
        "with taken as (
             delete from stream.realtime_spending as d
             where d.id = any (array(
                 select p.id from stream.realtime_spending as p
                 where p.span_s = 5 and p.at < $1
                 order by p.at limit 20000 for update skip locked))
             returning d.*
         )
         insert into stream.realtime_spending
             (span_s, at, frames, viewer_counts, states, users, reactions, canary, others, urgent)
         select 3600, date_bin('1 hour', t.at, 'epoch'), sum(t.frames), sum(t.viewer_counts), sum(t.states), sum(t.users),
             sum(t.reactions), sum(t.canary), sum(t.others), sum(t.urgent)
         from taken as t group by date_bin('1 hour', t.at, 'epoch')";

    DELETE_OLD: Write [TIMESTAMPTZOID]
        "delete from stream.realtime_spending as d
         where d.id = any (array(
             select p.id from stream.realtime_spending as p
             where p.span_s = 3600 and p.at < $1
             order by p.at limit 1000 for update skip locked))";
}

columns! {
    /// Broadcasts other than frames since the last plan.
    pub struct Sends {
        pub kind: String,
        pub session_id: Option<Uuid>,
        pub count: i64,
    }

    struct LastMinute {
        spent: i64,
        urgent: i64,
    }
}

/// Takes the notes of broadcasts that are not counted yet.
pub fn take_sends() -> Result<Vec<Sends>> {
    spi::all(&TAKE_SENDS, &[])
}

/// The kinds in the order of the columns; the last is not one of them.
const KINDS: [&str; 7] = [
    "frames",
    "viewer_counts",
    "states",
    "users",
    "reactions",
    "canary",
    "others",
];

/// Messages that were spent, by kind, and those that never wait.
#[derive(Default)]
pub struct Spending {
    by_kind: HashMap<&'static str, i64>,
    urgent: i64,
}

impl Spending {
    /// Adds messages of a kind. States and what users are told never wait.
    pub fn add(&mut self, kind: &str, messages: i64) {
        let kind = KINDS.into_iter().find(|known| *known == kind);
        let kind = kind.unwrap_or("others");
        *self.by_kind.entry(kind).or_default() += messages;
        if matches!(kind, "states" | "users") {
            self.urgent += messages;
        }
    }

    /// Adds frames, of which some did not wait.
    pub fn add_frames(&mut self, messages: i64, urgent: i64) {
        self.add("frames", messages);
        self.urgent += urgent;
    }

    /// Writes what was spent since the last plan. After a pause it is spread over the buckets of the last minute, as far
    /// as it can have been spent in them.
    pub fn write(&self, now: TimestampWithTimeZone, since: TimestampWithTimeZone) -> Result<()> {
        move_back(now, since)?;
        let counted: Vec<i64> = KINDS
            .iter()
            .map(|kind| self.by_kind.get(kind).copied().unwrap_or(0))
            .chain([self.urgent])
            .collect();
        if counted.iter().all(|messages| *messages == 0) {
            return Ok(());
        }
        let passed_us = now.into_inner().saturating_sub(since.into_inner()).max(1);
        let buckets = (passed_us / BUCKET_US + 1).min(BUCKETS);
        let share_us = passed_us.min(BUCKETS * BUCKET_US);
        let mut rest = counted.clone();
        for number in 0..buckets {
            let share = |messages: &i64| {
                let all = i128::from(*messages) * i128::from(share_us) / i128::from(passed_us);
                let all = i64::try_from(all).unwrap_or(*messages);
                // What a division leaves is in the newest bucket.
                if number == 0 {
                    all - all / buckets * (buckets - 1)
                } else {
                    all / buckets
                }
            };
            let part: Vec<i64> = counted.iter().map(share).collect();
            rest.iter_mut()
                .zip(&part)
                .for_each(|(rest, part)| *rest -= part);
            insert(bucket(now) - number * BUCKET_US, part)?;
        }
        insert(bucket(now) - BUCKETS * BUCKET_US, rest)
    }

    /// All messages that the last minute may count, and those of them that never wait.
    pub fn of_last_minute(now: TimestampWithTimeZone) -> Result<(u64, u64)> {
        let from = clock::from_microseconds(bucket(now) - (BUCKETS - 1) * BUCKET_US)?;
        let spent = spi::first(&LAST_MINUTE, &[from.into(), now.into()])?;
        let positive = |messages: i64| u64::try_from(messages).unwrap_or(0);
        Ok(spent.map_or((0, 0), |row| (positive(row.spent), positive(row.urgent))))
    }
}

fn insert(at_us: Microseconds, messages: Vec<i64>) -> Result<()> {
    if messages.iter().all(|messages| *messages == 0) {
        return Ok(());
    }
    let at = clock::from_microseconds(at_us)?;
    spi::execute(&INSERT, &[at.into(), messages.into()]).map(|_| ())
}

/// Where the clock was set back since the last plan, what was spent stays as long ago as it was: the last minute before
/// counts on, and an hour that passes twice is not counted twice.
fn move_back(now: TimestampWithTimeZone, since: TimestampWithTimeZone) -> Result<()> {
    // Before any plan, the last one was at the least time of all.
    let step_us = bucket(since.max(now)) - bucket(now);
    if step_us == 0 {
        return Ok(());
    }
    spi::execute(&MOVE_BACK, &[now.into(), step_us.into()]).map(|_| ())
}

/// The begin of the present bucket.
fn bucket(now: TimestampWithTimeZone) -> Microseconds {
    let now_us = now.into_inner();
    now_us - now_us.rem_euclid(BUCKET_US)
}

/// Adds up the hours that ended more than an hour ago, and deletes those of more than 32 days ago.
pub fn clean_up(now: TimestampWithTimeZone) -> Result<()> {
    const HOUR_US: Microseconds = 3_600 * MICROSECONDS_PER_S;
    let hour = now.into_inner() - now.into_inner().rem_euclid(HOUR_US);
    let kept_from = clock::from_microseconds(hour - HOUR_US)?;
    if spi::first(&HAS_OLD, &[kept_from.into()])? != Some(true) {
        return Ok(());
    }
    spi::execute(&ADD_UP, &[kept_from.into()])?;
    let last = clock::from_microseconds(hour - 32 * 24 * HOUR_US)?;
    spi::execute(&DELETE_OLD, &[last.into()]).map(|_| ())
}
