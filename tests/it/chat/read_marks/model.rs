//! What is read and what is left, according to a set of numbers?

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::session::Session;

use super::{ids, mark, mark_up_to, unread};

#[derive(Debug, Clone)]
pub enum Step {
    /// Messages by their places in the log, counted round; every tenth is none of the log's.
    Mark(Vec<usize>),
    UpTo(i64),
    Grow(i64),
    /// Retention takes some of the oldest entries.
    Forget(i64),
    /// The other device goes on.
    SwitchDevice,
}

pub fn sequences() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => vec(0..200_usize, 0..12).prop_map(Step::Mark),
        2 => (0..80_i64).prop_map(Step::UpTo),
        3 => (1..20_i64).prop_map(Step::Grow),
        1 => (1..15_i64).prop_map(Step::Forget),
        1 => Just(Step::SwitchDevice),
    ];
    vec(step, 1..10)
}

pub async fn play(database: &TestDatabase, devices: &[Session; 2], steps: &[Step]) -> Result<()> {
    let session = database.stream_in(StreamState::Active).await?;
    let (mut oldest, mut head) = (1, 2);
    let mut read = BTreeSet::new();
    let mut device = 0;
    for step in steps {
        let caller = &devices[device];
        let left = match step {
            Step::Mark(places) => {
                let log = ids(database, session).await?;
                let mut marked = Vec::new();
                for place in places {
                    match log.get(place % log.len().max(1)) {
                        Some(id) if place % 10 != 9 => {
                            marked.push(id.clone());
                            read.insert(oldest + i64::try_from(place % log.len())?);
                        }
                        _ => marked.push(json!(uuid::Uuid::new_v4())),
                    }
                }
                mark(caller, session, &marked).await?
            }
            Step::UpTo(seq) => {
                read.extend(1..=*seq.min(&head));
                mark_up_to(caller, session, *seq).await?
            }
            Step::Grow(count) => {
                database.append_messages(session, *count, 3).await?;
                head += count;
                unread(caller, session).await?
            }
            Step::Forget(count) => {
                oldest = (oldest + count).min(head + 1);
                database
                    .change(&format!(
                        "delete from stream.chat_messages
                         where session_id = '{session}' and seq < {oldest}"
                    ))
                    .await?;
                unread(caller, session).await?
            }
            Step::SwitchDevice => {
                device = 1 - device;
                continue;
            }
        };
        let unread = (oldest..=head).filter(|seq| !read.contains(seq)).count();
        ensure!(left == json!(unread), "{step:?}: {left}, not {unread}");
    }
    let synced = devices[device]
        .rpc("sync", json!({"session_id": session}))
        .await?;
    let kept: BTreeSet<i64> = read.into_iter().filter(|seq| *seq >= oldest).collect();
    ensure!(numbers_in(&synced["read"])? == kept, "{}", synced["read"]);
    Ok(())
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
