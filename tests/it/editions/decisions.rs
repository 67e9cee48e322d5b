//! What SQL decides in whole numbers is what stream_core decides: plans of the governor, rates, frames, escapes.

mod frames;
mod host;
mod notices;
mod times;

use anyhow::Result;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use stream_core::governor::{self, Budget, Plan, Session, ViewerEvent, averaged_rate};
use stream_core::json_escapes::can_be_stored;
use stream_core::rate::RateLimit;
use stream_tests::database::TestDatabase;
use xtask::edition::Edition;

const CASES: usize = 256;

/// Draws so many values, from the seed that every random test prints.
fn drawn<S: Strategy>(strategy: S) -> Vec<S::Value> {
    let mut runner = TestRunner::new(property_seed::config(1));
    (0..CASES)
        .map(|_| strategy.new_tree(&mut runner).expect("a value").current())
        .collect()
}

fn sessions() -> impl Strategy<Value = Vec<Session>> {
    let channels = prop_oneof![1_u32..20, 20_u32..500, 500_u32..10_000];
    let window = prop_oneof![Just(50_u32), 50_u32..=60_000];
    let auctions = prop_oneof![Just(0_u32), 0_u32..50_000];
    let auction_window = prop_oneof![Just(0_u32), Just(50), 200_u32..=60_000];
    let event = (any::<bool>(), 0_u32..70_000).prop_map(|(is_expected, since_ms)| ViewerEvent {
        is_expected,
        since_ms,
    });
    let session = (
        (channels, 0_u32..50_000, auctions, 0_u32..70_000),
        (window.clone(), window, auction_window),
        (
            event.clone(),
            event,
            prop_oneof![Just(0_u32), 1_001_u32..60_000],
        ),
    );
    let session = session.prop_map(|(of_frames, windows, of_viewers)| Session {
        channels: of_frames.0,
        entries_per_1000_s: of_frames.1,
        auctions_per_1000_s: of_frames.2,
        since_frame_ms: of_frames.3,
        open_ms: windows.0,
        window_ms: windows.1,
        auction_window_ms: windows.2,
        counts: of_viewers.0,
        reactions: of_viewers.1,
        viewers_window_ms: of_viewers.2,
    });
    prop::collection::vec(session, 0..20)
}

fn budgets() -> impl Strategy<Value = Budget> {
    let limit = prop_oneof![1 => Just(0_u32), 9 => 1_u32..5_000];
    (limit, 1_u32..=100, 0_u64..130, 0_u64..110).prop_map(
        |(limit_per_s, share_percent, spent, urgent)| {
            let of_limit = |percent: u64| u64::from(limit_per_s) * 60 * percent / 100;
            Budget {
                limit_per_s,
                share_percent,
                spent: of_limit(spent),
                urgent: of_limit(urgent.min(spent)),
            }
        },
    )
}

fn as_json(plan: &Plan) -> Value {
    let windows = plan.windows.iter().map(|windows| {
        json!({
            "window_ms": windows.window_ms, "open_ms": windows.open_ms, "poll_ms": windows.poll_ms,
            "auction_window_ms": windows.auction_window_ms, "viewers_window_ms": windows.viewers_window_ms,
        })
    });
    json!({
        "windows": windows.collect::<Vec<_>>(), "reason": plan.reason.as_str(), "expected_per_s": plan.expected_per_s,
        "is_over": plan.over, "is_crowded": plan.crowded,
    })
}

/// The streams as `stream_ext.governor_plan` takes them.
fn of_sql(sessions: &[Session]) -> Value {
    let session = |session: &Session| {
        let cost = u64::from(session.channels) + 1;
        json!({
            "cost": cost, "root": (cost * 10_000).isqrt(), "entries": session.entries_per_1000_s,
            "auctions": session.auctions_per_1000_s, "since_frame": session.since_frame_ms, "open_ms": session.open_ms,
            "window_ms": session.window_ms, "auction_window_ms": session.auction_window_ms,
            "expects_counts": u32::from(session.counts.is_expected), "since_viewers": session.counts.since_ms,
            "expects_reactions": u32::from(session.reactions.is_expected), "since_reactions": session.reactions.since_ms,
            "viewers_window_ms": session.viewers_window_ms,
        })
    };
    sessions.iter().map(session).collect()
}

#[tokio::test]
async fn plans_of_the_governor_are_those_of_stream_core() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    for (budget, sessions) in drawn((budgets(), sessions())) {
        let plan: Value = database
            .owner
            .query_one(
                "select to_jsonb(p) from stream_ext.governor_plan($1, $2, $3, $4, $5) as p",
                &[
                    &i64::from(budget.limit_per_s),
                    &i64::from(budget.share_percent),
                    &i64::try_from(budget.spent)?,
                    &i64::try_from(budget.urgent)?,
                    &of_sql(&sessions),
                ],
            )
            .await?
            .get(0);
        assert_eq!(
            plan,
            as_json(&governor::plan(&budget, &sessions)),
            "{budget:?} {sessions:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn averages_and_roots_are_those_of_stream_core() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    for (rate, count, elapsed_ms, cost) in drawn((
        0_u32..2_000_000,
        0_u64..5_000,
        0_u32..20_000,
        1_i64..4_000_000_000,
    )) {
        let row = database
            .owner
            .query_one(
                "select stream_ext.governor_averaged_rate($1, $2, $3), stream_ext.governor_root($4)",
                &[&i64::from(rate), &i64::try_from(count)?, &i64::from(elapsed_ms), &cost],
            )
            .await?;
        assert_eq!(
            row.get::<_, i64>(0),
            i64::from(averaged_rate(rate, count, elapsed_ms))
        );
        assert_eq!(row.get::<_, i64>(1), (cost * 10_000).isqrt());
    }
    Ok(())
}

#[tokio::test]
async fn rates_are_spent_as_by_stream_core() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    for (interval_ms, burst, backlog_us) in
        drawn((1_u32..60_000, 1_u32..100, -1_000_000_i64..10_000_000))
    {
        let interval_us = i64::from(interval_ms) * 1000;
        let row = database
            .owner
            .query_one(
                "select r.spent_us, r.wait_ms from stream_ext.rate_spend($1, $2, $3) as r",
                &[
                    &interval_us,
                    &(interval_us * i64::from(burst - 1)),
                    &backlog_us,
                ],
            )
            .await?;
        let spent: (Option<i64>, Option<i64>) = (row.get(0), row.get(1));
        let wanted = match RateLimit::new(interval_ms, burst).take(backlog_us) {
            Ok(spent_us) => (Some(spent_us), None),
            Err(wait_us) => (None, Some(i64::try_from(wait_us.div_ceil(1000))?)),
        };
        assert_eq!(spent, wanted, "{interval_ms} {burst} {backlog_us}");
    }
    Ok(())
}

#[tokio::test]
async fn escapes_that_cannot_be_stored_are_found_as_by_stream_core() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let piece = prop_oneof![
        Just(r"\u0000"),
        Just(r"\ud83d"),
        Just(r"\ude00"),
        Just(r"\u0041"),
        Just(r"\\"),
        Just("u0000"),
        Just(r"\n"),
        Just("a"),
        Just(r#"\""#),
        Just(r"\uDC00"),
        Just(r"\uD800"),
    ];
    for pieces in drawn(prop::collection::vec(piece, 0..8)) {
        let text = format!("{{\"k\": [\"{}\"]}}", pieces.concat());
        let answer: bool = database
            .owner
            .query_one("select stream_ext.json_can_be_stored($1)", &[&text])
            .await?
            .get(0);
        assert_eq!(answer, can_be_stored(&text), "{text}");
    }
    Ok(())
}
