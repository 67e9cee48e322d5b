//! Feature: streaming-realtime-fixes, Property 8: whatever is lost, within 10 s of the last fault each client's list equals the
//! table's, and no client called `sync` more often than it noticed faults, and once.
//!
//! The clients are the real supabase-js with the example of docs/realtime.md. A case is a stream with two clients and
//! faults of its own, as the seed draws them; cases are played together, and faults of the gateway strike all of them.

mod faults;
mod play;

use anyhow::{Result, ensure};
use proptest::collection::vec;
use proptest::prelude::*;
use stream_tests::stateful::{Property, check};

use faults::{Everywhere, Here};
use play::Stage;

/// The cases that are played together.
const TOGETHER: usize = 64;
/// The property has 256 cases.
const TIMES: u32 = 4;

/// Faults of the gateway in their order, and with each of them what happens to every case.
#[derive(Debug)]
pub struct Cases {
    /// Messages a second; none: no limit. Frames wait for longer windows then, and for none so long that clients poll, which
    /// are calls of `sync` without a fault.
    limit_per_s: Option<u32>,
    everywhere: Vec<Everywhere>,
    /// By case, and by the fault of the gateway that it goes with.
    here: Vec<Vec<Step>>,
}

/// What happens to one case during one fault of the gateway.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    fault: Here,
    /// Written by the seller.
    messages: u8,
}

impl Property for Stage {
    type Case = Cases;
    const CASES: u32 = TIMES;
    /// The timing of two servers decides with the seed.
    const MAX_SHRINKS: u32 = 0;

    fn cases() -> impl Strategy<Value = Cases> {
        let limit_per_s = prop::option::of(300..500_u32);
        let everywhere = Just(Everywhere::ALL.to_vec()).prop_shuffle();
        let step = (Here::any(), 0..3u8).prop_map(|(fault, messages)| Step { fault, messages });
        let here = vec(vec(step, Everywhere::ALL.len()), TOGETHER);
        (limit_per_s, everywhere, here).prop_map(|(limit_per_s, everywhere, here)| Cases {
            limit_per_s,
            everywhere,
            here,
        })
    }

    async fn enter() -> Result<Self> {
        Self::set_up("realtime-faults").await
    }

    async fn play(&self, cases: &Cases) -> Result<()> {
        self.set_limit(cases.limit_per_s).await?;
        let mut followed = self.begin(cases.here.len()).await?;
        if cases.limit_per_s.is_some() {
            // Frames carry all that waits, so few of the other faults leave a hole between two of them.
            for fault in [Here::RowsLost(1), Here::Nothing] {
                for stream in followed.streams() {
                    self.strike_here(stream, fault).await?;
                    self.write(stream, 1).await?;
                }
                self.sent().await?;
            }
        }
        for (number, everywhere) in cases.everywhere.iter().enumerate() {
            for (stream, steps) in followed.streams().zip(&cases.here) {
                self.strike_here(stream, steps[number].fault).await?;
            }
            self.strike_everywhere(*everywhere, async |stage| {
                for (stream, steps) in followed.streams().zip(&cases.here) {
                    stage.write(stream, steps[number].messages).await?;
                }
                // Under a limit frames come later, and would miss the fault.
                if cases.limit_per_s.is_some() && everywhere.lets_frames_out() {
                    stage.sent().await?;
                }
                Ok(())
            })
            .await?;
        }
        self.end_faults().await?;
        let longest_ms = self.longest_window_ms().await?;
        ensure!(longest_ms <= 5_000, "clients poll, in {longest_ms} ms");
        // A loss is noticed by the next frame: somebody says something in every chat.
        for stream in followed.streams() {
            self.write(stream, 1).await?;
        }
        let expected = self.logged(&followed).await?;
        let late = followed.wait(&expected).await?;
        let seen = followed.report().await?;
        for (client, of) in seen.iter().enumerate() {
            let log = &expected[client / play::CLIENTS];
            let case = &cases.here[client / play::CLIENTS];
            ensure!(
                of.shown == *log && !late.contains(&client),
                "client {client} of {case:?} shows {of:?} instead of {log:?}"
            );
            ensure!(
                of.syncs <= of.faults + 1,
                "client {client} of {case:?} called sync too often: {of:?}"
            );
        }
        // Faults that nobody noticed would show nothing.
        let noticed = |of: fn(&play::Seen) -> u64| seen.iter().map(of).sum::<u64>();
        for (what, count) in [
            ("interruptions", noticed(|one| one.interruptions)),
            ("gaps", noticed(|one| one.gaps)),
        ] {
            ensure!(count > 0, "no client noticed {what}");
        }
        Ok(())
    }
}

#[test]
fn whatever_is_lost_every_list_is_the_tables_again_by_as_few_calls_as_faults() -> Result<()> {
    check::<Stage>()
}

/// supabase-js waits 1, 2, 5 and then 10 s between its own joins.
#[tokio::test]
async fn joins_that_were_refused_for_long_are_made_again_within_10_s_of_the_last_fault()
-> Result<()> {
    let stage = Stage::set_up("realtime-refusals").await?;
    let mut followed = stage.begin(1).await?;
    let streams: Vec<_> = followed.streams().collect();
    let meanwhile = async |stage: &Stage| {
        stage.strike_here(streams[0], Here::ChannelsEnded).await?;
        // The end of the channel, and the refusals.
        followed.troubled(5).await?;
        stage.write(streams[0], 1).await
    };
    stage
        .strike_everywhere(Everywhere::PartitionMissing, meanwhile)
        .await?;
    let expected = stage.logged(&followed).await?;
    let late = followed.wait(&expected).await?;
    let seen = followed.report().await?;
    ensure!(late.is_empty(), "{seen:?} instead of {expected:?}");
    Ok(())
}

#[tokio::test]
async fn under_a_limit_clients_poll_for_what_no_frame_carries_yet() -> Result<()> {
    let stage = Stage::set_up("realtime-pressed").await?;
    let mut followed = stage.begin(4).await?;
    stage.press(&followed).await?;
    for stream in followed.streams() {
        stage.write(stream, 1).await?;
    }
    let expected = stage.logged(&followed).await?;
    let late = followed.wait(&expected).await?;
    let seen = followed.report().await?;
    ensure!(late.is_empty(), "{seen:?} instead of {expected:?}");
    for (client, of) in seen.iter().enumerate() {
        // One call when it begins.
        let has_polled = of.syncs > 1;
        ensure!(
            of.shown == expected[client / play::CLIENTS] && has_polled,
            "{of:?}"
        );
    }
    Ok(())
}
