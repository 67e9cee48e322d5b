//! Read marks held against a set of numbers.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stateful::{Model, Outcome};
use uuid::Uuid;

use super::calls::{ids, mark, mark_up_to, unread};

#[derive(Debug, Clone)]
pub enum MarkStep {
    /// Messages by their places in the log, counted round; every tenth is none of the log's.
    Mark(Vec<usize>),
    UpTo(i64),
    Grow(i64),
    /// Retention takes some of the oldest entries.
    Retire(i64),
    /// The other device goes on.
    SwitchDevice,
}

fn sequences() -> impl Strategy<Value = Vec<MarkStep>> {
    let step = prop_oneof![
        5 => vec(0..200_usize, 0..12).prop_map(MarkStep::Mark),
        2 => (0..80_i64).prop_map(MarkStep::UpTo),
        3 => (1..20_i64).prop_map(MarkStep::Grow),
        1 => (1..15_i64).prop_map(MarkStep::Retire),
        1 => Just(MarkStep::SwitchDevice),
    ];
    vec(step, 1..10)
}

/// Two devices of one user.
pub struct ReadMarks {
    database: TestDatabase,
    devices: [Session; 2],
}

/// The log of one stream, and which of its numbers are read.
pub struct MarkedLog {
    session: Uuid,
    oldest: i64,
    head: i64,
    read: BTreeSet<i64>,
    device: usize,
}

impl Model for ReadMarks {
    type Operation = MarkStep;
    type State = MarkedLog;

    fn operations() -> impl Strategy<Value = Vec<MarkStep>> {
        sequences()
    }

    async fn enter() -> Result<Self> {
        let database = TestDatabase::create().await?;
        let devices = [
            database.user(demo::ADA).await?,
            database.user(demo::ADA).await?,
        ];
        Ok(Self { database, devices })
    }

    async fn begin(&self) -> Result<MarkedLog> {
        Ok(MarkedLog {
            session: self.database.stream_in(StreamState::Active).await?,
            oldest: 1,
            head: 2,
            read: BTreeSet::new(),
            device: 0,
        })
    }

    async fn step(&self, state: &mut MarkedLog, step: &MarkStep) -> Result<()> {
        let (database, session) = (&self.database, state.session);
        let caller = &self.devices[state.device];
        let left = match step {
            MarkStep::Mark(places) => {
                let log = ids(database, session).await?;
                let mut marked = Vec::new();
                for place in places {
                    match log.get(place % log.len().max(1)) {
                        Some(id) if place % 10 != 9 => {
                            marked.push(id.clone());
                            let seq = state.oldest + i64::try_from(place % log.len())?;
                            state.read.insert(seq);
                        }
                        _ => marked.push(json!(Uuid::new_v4())),
                    }
                }
                mark(caller, session, &marked).await
            }
            MarkStep::UpTo(seq) => {
                state.read.extend(1..=*seq.min(&state.head));
                mark_up_to(caller, session, *seq).await
            }
            MarkStep::Grow(count) => {
                database.append_messages(session, *count, 3).await?;
                state.head += count;
                unread(caller, session).await
            }
            MarkStep::Retire(count) => {
                state.oldest = (state.oldest + count).min(state.head + 1);
                database
                    .change(&format!(
                        "delete from stream.chat_messages
                         where session_id = '{session}' and seq < {}",
                        state.oldest
                    ))
                    .await?;
                unread(caller, session).await
            }
            MarkStep::SwitchDevice => {
                state.device = 1 - state.device;
                return Ok(());
            }
        };
        let is_unread = |seq: &i64| !state.read.contains(seq);
        let unread = (state.oldest..=state.head).filter(is_unread).count();
        Outcome::Value(json!(unread)).compare(left)
    }

    async fn compare(&self, state: MarkedLog) -> Result<()> {
        let synced = self.devices[state.device]
            .rpc("sync", json!({"session_id": state.session}))
            .await?;
        let is_kept = |seq: &i64| *seq >= state.oldest;
        let kept: BTreeSet<i64> = state.read.into_iter().filter(is_kept).collect();
        ensure!(numbers_in(&synced["read"])? == kept, "{}", synced["read"]);
        Ok(())
    }
}

/// The numbers of closed ranges, which must be ascending and apart.
fn numbers_in(ranges: &Value) -> Result<BTreeSet<i64>> {
    let ranges: Vec<(i64, i64)> = serde_json::from_value(ranges.clone()).context("no ranges")?;
    let are_apart = ranges.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0);
    ensure!(are_apart, "{ranges:?}");
    Ok(ranges
        .into_iter()
        .flat_map(|(first, last)| first..=last)
        .collect())
}
