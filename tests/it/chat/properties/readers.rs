//! Readers of a stream: what they hold, and how they notice that something is missing.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stream_tests::session::Session;
use stream_tests::stream::numbers;
use tokio_postgres::Client;
use uuid::Uuid;

/// Holds what the frames brought. Every look at the table is a snapshot, so it shows the frames that
/// were committed so far: always a run from the first on, when they are committed in their order.
pub struct FrameReader {
    stream: Uuid,
    pub frames: Vec<Value>,
}

impl FrameReader {
    pub fn new(stream: Uuid) -> Self {
        Self {
            stream,
            frames: Vec::new(),
        }
    }

    /// Takes the frames that were committed since.
    pub async fn read(&mut self, owner: &Client) -> Result<()> {
        let rows = owner
            .query(
                "select m.payload from realtime.messages as m
                 where m.topic = 'chat:' || $1::uuid and m.inserted_at >= (
                     select s.created_at at time zone 'UTC' from stream.stream_sessions as s
                     where s.id = $1)
                 order by (m.payload ->> 'from_seq')::bigint",
                &[&self.stream],
            )
            .await?;
        let frames: Vec<Value> = rows.iter().map(|row| row.get(0)).collect();
        let mut last = 0;
        for frame in &frames {
            ensure!(
                missing_before(frame, last)?.is_none(),
                "a hole after {last}: {frame}"
            );
            last = check(frame)?;
        }
        ensure!(
            frames.starts_with(&self.frames),
            "an earlier frame was committed after a later one"
        );
        self.frames = frames;
        Ok(())
    }

    pub fn messages(&self) -> Vec<Value> {
        self.frames.iter().flat_map(messages).collect()
    }
}

/// Holds what `sync` answered, page by page.
pub struct SyncReader {
    stream: Uuid,
    pub messages: Vec<Value>,
    pub epoch: Option<String>,
}

impl SyncReader {
    pub fn new(stream: Uuid) -> Self {
        Self {
            stream,
            messages: Vec::new(),
            epoch: None,
        }
    }

    /// Asks for one page; true when there is more.
    pub async fn page(&mut self, caller: &Session) -> Result<bool> {
        let answer = sync(caller, self.stream, self.last(), self.epoch.as_deref()).await?;
        ensure!(answer["recovered"] == true, "not recovered");
        let page = messages(&answer);
        for (expected, number) in (self.last() + 1..).zip(numbers(&page)) {
            ensure!(number == expected, "{number} instead of {expected}");
        }
        self.messages.extend(page);
        let has_more = answer["has_more"] == true;
        ensure!(
            has_more || answer["head_seq"] == self.last(),
            "the head is {}, the page ends at {}",
            answer["head_seq"],
            self.last()
        );
        self.epoch = answer["epoch"].as_str().map(str::to_owned);
        Ok(has_more)
    }

    fn last(&self) -> i64 {
        numbers(&self.messages).last().copied().unwrap_or(0)
    }
}

/// Follows frames of which some are lost, and asks `sync` for what it misses: as a client does.
pub async fn follow_with_losses(
    caller: &Session,
    stream: Uuid,
    frames: &[Value],
    lost: &[bool],
) -> Result<Vec<Value>> {
    let (mut held, mut last): (Vec<Value>, i64) = (Vec::new(), 0);
    let mut never_came: Vec<i64> = Vec::new();
    for (frame, is_lost) in frames.iter().zip(lost.iter().cycle()) {
        if *is_lost {
            never_came.extend(numbers(&messages(frame)));
            continue;
        }
        let missing: Vec<i64> = missing_before(frame, last)?.into_iter().flatten().collect();
        ensure!(
            missing == never_came,
            "missed {never_came:?}, noticed {missing:?}"
        );
        if !missing.is_empty() {
            let epoch = frame["epoch"].as_str();
            let answer = sync(caller, stream, last, epoch).await?;
            ensure!(answer["recovered"] == true, "another epoch");
            let found = messages(&answer);
            held.extend(found.into_iter().take(missing.len()));
        }
        never_came.clear();
        held.extend(messages(frame));
        last = frame["to_seq"].as_i64().context("no to_seq")?;
    }
    // What came last may be lost too; the next heartbeat says so by its head_seq.
    let answer = sync(caller, stream, last, None).await?;
    held.extend(messages(&answer));
    Ok(held)
}

/// The numbers that lie between what is held and a frame.
fn missing_before(frame: &Value, last: i64) -> Result<Option<std::ops::Range<i64>>> {
    let from = frame["from_seq"].as_i64().context("no from_seq")?;
    ensure!(from > last, "{last} was there already: {frame}");
    Ok((from > last + 1).then_some(last + 1..from))
}

/// A frame holds what it says; returns its last number.
fn check(frame: &Value) -> Result<i64> {
    let number = |key: &str| frame[key].as_i64().with_context(|| format!("no {key}"));
    let (from, to) = (number("from_seq")?, number("to_seq")?);
    let expected: Vec<i64> = (from..=to).collect();
    ensure!(numbers(&messages(frame)) == expected, "{frame}");
    ensure!(number("head_seq")? >= to, "the head is behind: {frame}");
    Ok(to)
}

pub fn messages(answer: &Value) -> Vec<Value> {
    answer["messages"].as_array().cloned().unwrap_or_default()
}

async fn sync(caller: &Session, stream: Uuid, after: i64, epoch: Option<&str>) -> Result<Value> {
    let arguments = json!({"session_id": stream, "after_seq": after, "epoch": epoch});
    Ok(caller.rpc("sync", arguments).await?)
}
