//! What holds of every plan: ranges, monotony, the two conditions, and that no minute exceeds the limit.

use proptest::prelude::*;

use crate::governor::world::{Stream, World};
use crate::governor::*;
use crate::property_seed::config;

fn sessions() -> impl Strategy<Value = Vec<Session>> {
    let channels = prop_oneof![1_u32..20, 20_u32..500, 500_u32..10_000];
    let window = prop_oneof![Just(MIN_WINDOW_MS), MIN_WINDOW_MS..=MAX_WINDOW_MS];
    let session = (
        channels,
        0_u32..50_000,
        0_u32..70_000,
        window.clone(),
        window,
        0_u32..=2,
        0_u32..70_000,
        prop_oneof![Just(0_u32), 1_001_u32..60_000],
    );
    let session = session.prop_map(|row| Session {
        channels: row.0,
        entries_per_1000_s: row.1,
        since_frame_ms: row.2,
        open_ms: row.3,
        window_ms: row.4,
        viewer_events: row.5,
        since_viewers_ms: row.6,
        viewers_window_ms: row.7,
    });
    prop::collection::vec(session, 0..40)
}

fn budgets() -> impl Strategy<Value = Budget> {
    (1_u32..5_000, 1_u32..=100, 0_u64..130, 0_u64..110).prop_map(
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

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn windows_are_in_range_and_tell_of_polling_when_they_are_long(
        budget in budgets(), sessions in sessions(),
    ) {
        let plan = plan(&budget, &sessions);
        prop_assert_eq!(plan.windows.len(), sessions.len());
        for (windows, session) in plan.windows.iter().zip(&sessions) {
            prop_assert!((MIN_WINDOW_MS..=MAX_WINDOW_MS).contains(&windows.window_ms));
            prop_assert!(windows.open_ms <= windows.window_ms);
            prop_assert!(windows.viewers_window_ms == 0
                || (MIN_VIEWERS_WINDOW_MS..=MAX_WINDOW_MS).contains(&windows.viewers_window_ms));
            prop_assert_eq!(windows.poll_ms.is_some(), windows.window_ms > POLLING_ABOVE_MS);
            if let Some(poll_ms) = windows.poll_ms {
                prop_assert!((POLLING_ABOVE_MS..=windows.window_ms).contains(&poll_ms));
            }
            prop_assert!(windows.open_ms <= session.open_ms.max(windows.window_ms));
        }
    }

    #[test]
    fn a_higher_limit_makes_no_window_longer(
        budget in budgets(), more in 0_u32..5_000, sessions in sessions(),
    ) {
        let higher = Budget { limit_per_s: budget.limit_per_s + more, ..budget };
        let (less, more) = (plan(&budget, &sessions), plan(&higher, &sessions));
        for (less, more) in less.windows.iter().zip(&more.windows) {
            prop_assert!(more.window_ms <= less.window_ms);
            prop_assert!(more.viewers_window_ms <= less.viewers_window_ms);
        }
    }

    #[test]
    fn the_demand_fits_the_share_unless_all_windows_are_the_longest(
        limit in 1_u32..5_000, sessions in sessions(),
    ) {
        let budget = Budget { limit_per_s: limit, share_percent: 80, spent: 0, urgent: 0 };
        let plan = plan(&budget, &sessions);
        let is_longest = |windows: &Windows| windows.window_ms == MAX_WINDOW_MS;
        let are_counts_longest = |windows: &Windows| windows.viewers_window_ms == MAX_WINDOW_MS;
        prop_assert!(plan.expected_per_s <= u64::from(limit) * 80 / 100
            || plan.windows.iter().all(is_longest)
            || plan.windows.iter().all(are_counts_longest));
    }

    #[test]
    fn a_smaller_stream_never_waits_longer_than_a_larger_one(
        budget in budgets(), sessions in sessions(),
    ) {
        let alike: Vec<Session> = sessions
            .iter()
            .map(|session| Session { window_ms: MIN_WINDOW_MS, ..*session })
            .collect();
        let plan = plan(&budget, &alike);
        let mut by_size: Vec<(u32, u32)> = alike
            .iter()
            .zip(&plan.windows)
            .map(|(session, windows)| (session.channels, windows.window_ms))
            .collect();
        by_size.sort_unstable();
        prop_assert!(by_size.is_sorted_by_key(|(_, window_ms)| *window_ms));
    }
}

/// What a stream does in one second.
#[derive(Debug, Clone, Copy)]
enum Second {
    Silent,
    /// One entry every so many milliseconds.
    Every(u64),
}

proptest! {
    #![proptest_config(config(64))]

    /// Streams that log as fast as they can whenever it hurts, on a plan that has room for a frame a minute.
    #[test]
    fn no_minute_exceeds_the_limit_whatever_is_sent(
        limit in 100_u32..3_000,
        shares in prop::collection::vec(1_u64..100, 1..12),
        of_most in 1_u64..=100,
        seconds in prop::collection::vec(
            (prop_oneof![Just(Second::Silent), (10_u64..2_000).prop_map(Second::Every)], any::<u8>()),
            240..400,
        ),
    ) {
        // As many channels as the plan admits connections: four for each message a second.
        let all = u64::from(limit) * 4 * of_most / 100;
        let sum: u64 = shares.iter().sum();
        let mut world = World::new(limit, 80);
        for share in shares {
            let channels = u32::try_from(all * share / sum).expect("small") + 1;
            world.streams.push(Stream::new(channels, 0));
        }
        for (second, who) in seconds {
            let now_ms = world.now_ms();
            let urgent = u64::from(limit) * u64::from(who) / 2560;
            world.second(urgent, |number, _| {
                let is_meant = who & (1 << (number % 8)) != 0;
                let times = match second {
                    Second::Every(every) if is_meant => (0..1000 / every).map(|n| now_ms + n * every).collect(),
                    _ => Vec::new(),
                };
                (times, is_meant)
            });
            let (sent, urgent) = world.last_minute();
            prop_assert!(sent <= u64::from(limit) * 60, "{sent}, of which {urgent} urgent");
        }
        for stream in &world.streams {
            prop_assert!(stream.longest_wait_ms <= u64::from(MAX_WINDOW_MS) + 1_000, "{stream:?}");
        }
    }
}
