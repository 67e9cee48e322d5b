//! What holds of every plan: ranges, monotony, the two conditions, and that no minute exceeds the limit.

use proptest::prelude::*;

use crate::governor::world::{Second, Stream, World};
use crate::governor::*;
use property_seed::config;

pub fn sessions() -> impl Strategy<Value = Vec<Session>> {
    let channels = prop_oneof![1_u32..20, 20_u32..500, 500_u32..10_000];
    let window = prop_oneof![Just(MIN_WINDOW_MS), MIN_WINDOW_MS..=MAX_WINDOW_MS];
    let auction_window = prop_oneof![
        Just(0),
        Just(MIN_WINDOW_MS),
        AUCTION_WINDOW_MS..=MAX_WINDOW_MS
    ];
    let auctions = prop_oneof![Just(0_u32), 0_u32..50_000];
    let event = (any::<bool>(), 0_u32..70_000).prop_map(|(is_expected, since_ms)| ViewerEvent {
        is_expected,
        since_ms,
    });
    let session = (
        (channels, 0_u32..50_000, auctions, 0_u32..70_000),
        (window.clone(), window, auction_window),
        (event.clone(), event),
        prop_oneof![Just(0_u32), 1_001_u32..60_000],
    );
    let session = session.prop_map(|(of_frames, windows, events, viewers_window_ms)| Session {
        channels: of_frames.0,
        entries_per_1000_s: of_frames.1,
        auctions_per_1000_s: of_frames.2,
        since_frame_ms: of_frames.3,
        open_ms: windows.0,
        window_ms: windows.1,
        auction_window_ms: windows.2,
        counts: events.0,
        reactions: events.1,
        viewers_window_ms,
    });
    prop::collection::vec(session, 0..40)
}

pub fn budgets() -> impl Strategy<Value = Budget> {
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

    /// At most five frames a second for an auction under pressure, and never later than the chat beyond that.
    #[test]
    fn auction_updates_wait_at_least_200_ms_under_pressure_and_no_longer_than_the_chat(
        budget in budgets(), sessions in sessions(),
    ) {
        for windows in plan(&budget, &sessions).windows {
            if windows.window_ms == MIN_WINDOW_MS {
                prop_assert_eq!(windows.auction_window_ms, MIN_WINDOW_MS);
            } else {
                let longest = windows.window_ms.max(AUCTION_WINDOW_MS);
                prop_assert!((AUCTION_WINDOW_MS..=longest).contains(&windows.auction_window_ms));
            }
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
            prop_assert!(more.auction_window_ms <= less.auction_window_ms);
            prop_assert!(more.viewers_window_ms <= less.viewers_window_ms);
        }
    }

    /// Frames have two thirds and viewer events one of what is left of the share after a tenth of it, or after what lately
    /// never waited if that was more.
    #[test]
    fn the_demand_fits_the_share_unless_all_windows_are_the_longest(
        budget in budgets(), sessions in sessions(),
    ) {
        let windows = plan(&budget, &sessions).windows;
        let share = u64::from(budget.limit_per_s) * u64::from(budget.share_percent) * 10;
        let kept = (share / 10).max(budget.urgent * 1000 / 60);
        let left = share.saturating_sub(kept);
        let planned = || sessions.iter().zip(&windows);
        let frames: u64 = planned()
            .map(|(session, windows)| {
                frames_per_1000_s(session, windows.window_ms, windows.auction_window_ms)
            })
            .sum();
        let events: u64 = planned()
            .map(|(session, windows)| viewer_events_per_1000_s(session, windows.viewers_window_ms))
            .sum();
        prop_assert!(frames <= left * 2 / 3
            || windows.iter().all(|windows| windows.window_ms == MAX_WINDOW_MS));
        prop_assert!(events <= left / 3
            || windows.iter().all(|windows| windows.viewers_window_ms == MAX_WINDOW_MS));
    }

    #[test]
    fn a_smaller_stream_never_waits_longer_than_a_larger_one(
        budget in budgets(), sessions in sessions(),
    ) {
        let alike: Vec<Session> = sessions
            .iter()
            .map(|session| Session {
                window_ms: MIN_WINDOW_MS,
                auction_window_ms: MIN_WINDOW_MS,
                ..*session
            })
            .collect();
        let plan = plan(&budget, &alike);
        let mut by_size: Vec<(u32, u32, u32)> = alike
            .iter()
            .zip(&plan.windows)
            .map(|(session, windows)| {
                (session.channels, windows.window_ms, windows.auction_window_ms)
            })
            .collect();
        by_size.sort_unstable();
        prop_assert!(by_size.is_sorted_by_key(|(_, window_ms, _)| *window_ms));
        prop_assert!(by_size.is_sorted_by_key(|(_, _, auction_window_ms)| *auction_window_ms));
    }
}

/// What the streams that are meant do in one second.
#[derive(Debug, Clone, Copy)]
enum Load {
    Silent,
    /// One entry of the chat every so many milliseconds.
    Chat(u64),
    /// One auction update every so many milliseconds.
    Bids(u64),
    Both(u64),
}

impl Load {
    fn second(self, now_ms: u64, has_changed: bool, has_reactions: bool) -> Second {
        let second = match self {
            Self::Silent => Second::default(),
            Self::Chat(every) => Second::even(now_ms, 1000 / every, 0),
            Self::Bids(every) => Second::even(now_ms, 0, 1000 / every),
            Self::Both(every) => Second::even(now_ms, 1000 / every, 1000 / every),
        };
        Second {
            has_changed,
            has_reactions,
            ..second
        }
    }
}

fn loads() -> impl Strategy<Value = Load> {
    prop_oneof![
        Just(Load::Silent),
        (10_u64..2_000).prop_map(Load::Chat),
        (10_u64..2_000).prop_map(Load::Bids),
        (10_u64..2_000).prop_map(Load::Both),
    ]
}

proptest! {
    #![proptest_config(config(64))]

    /// Streams that log, bid and react as fast as they can whenever it hurts, on a plan that has room for a frame a minute.
    #[test]
    fn no_minute_exceeds_the_limit_whatever_is_sent(
        limit in 100_u32..3_000,
        shares in prop::collection::vec(1_u64..100, 1..12),
        of_most in 1_u64..=100,
        seconds in prop::collection::vec((loads(), any::<u8>(), any::<u8>()), 240..400),
    ) {
        // As many channels as the plan admits connections: four for each message a second.
        let all = u64::from(limit) * 4 * of_most / 100;
        let sum: u64 = shares.iter().sum();
        let mut world = World::new(limit, 80);
        for share in shares {
            let channels = u32::try_from(all * share / sum).expect("small") + 1;
            world.streams.push(Stream::new(channels, 0));
        }
        // The first plan.
        world.second(0, |_, _| Second::default());
        for (load, who, reacts) in seconds {
            let now_ms = world.now_ms();
            let urgent = u64::from(limit) * u64::from(who) / 2560;
            world.second(urgent, |number, _| {
                let is_meant = who & (1 << (number % 8)) != 0;
                let has_reactions = reacts & (1 << (number % 8)) != 0;
                let load = if is_meant { load } else { Load::Silent };
                load.second(now_ms, is_meant, has_reactions)
            });
            let (sent, urgent) = world.last_minute();
            prop_assert!(sent <= u64::from(limit) * 60, "{sent}, of which {urgent} urgent");
        }
        for stream in &world.streams {
            prop_assert!(stream.longest_wait_ms <= u64::from(MAX_WINDOW_MS) + 1_000, "{stream:?}");
        }
    }
}
