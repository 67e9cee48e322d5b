use proptest::prelude::*;

use crate::governor::world::{Stream, World};
use crate::governor::*;
use crate::property_seed::config;

const CALM: Session = Session {
    channels: 100,
    entries_per_1000_s: 0,
    since_frame_ms: 60_000,
    open_ms: MIN_WINDOW_MS,
    window_ms: MIN_WINDOW_MS,
    viewer_events: 0,
    since_viewers_ms: 60_000,
    viewers_window_ms: 0,
};

fn budget(limit_per_s: u32) -> Budget {
    Budget {
        limit_per_s,
        share_percent: 80,
        spent: 0,
        urgent: 0,
    }
}

/// Plays seconds in which each stream logs so many entries, evenly, until windows have settled.
fn settle(world: &mut World, per_s: u64) -> Plan {
    let play = |world: &mut World| {
        let now_ms = world.now_ms();
        world.second(0, |_, _| {
            let times = (0..per_s).map(|n| now_ms + n * 1000 / per_s).collect();
            (times, true)
        })
    };
    for _ in 0..120 {
        play(world);
    }
    play(world)
}

#[test]
fn without_a_limit_nothing_waits_longer_than_the_shortest_window() {
    let busy = Session {
        channels: 50_000,
        entries_per_1000_s: 1_000_000,
        ..CALM
    };
    let plan = plan(&budget(0), &[busy]);
    assert_eq!(
        (plan.windows, plan.reason),
        (vec![UNLIMITED], Reason::Unlimited)
    );
}

#[test]
fn what_fits_has_the_shortest_windows() {
    let plan = plan(&budget(2500), &[CALM; 10]);
    assert_eq!(
        (plan.windows, plan.reason),
        (vec![UNLIMITED; 10], Reason::Room)
    );
}

/// The target of the product: at 1,000 viewers, 5 messages a second and 2,500 a second of the plan.
#[test]
fn a_thousand_viewers_get_a_frame_for_every_four_messages() {
    let mut world = World::new(2500, 80);
    world.streams.push(Stream::new(1001, 0));
    let plan = settle(&mut world, 5);
    assert!(plan.windows[0].window_ms >= 800, "{plan:?}");
    assert_eq!(
        (plan.windows[0].poll_ms, plan.reason),
        (None, Reason::Share)
    );
    let before = world.streams[0].frames;
    for _ in 0..100 {
        settle_once(&mut world, 5);
    }
    let frames = world.streams[0].frames - before;
    assert!(frames * 4 <= 500, "{frames} frames for 500 messages");
    assert!(world.last_minute().0 <= 60 * 2000, "more than the share");
}

fn settle_once(world: &mut World, per_s: u64) {
    let now_ms = world.now_ms();
    world.second(0, |_, _| {
        let times = (0..per_s).map(|n| now_ms + n * 1000 / per_s).collect();
        (times, false)
    });
}

#[test]
fn a_giant_stream_leaves_short_windows_to_small_ones() {
    let mut world = World::new(2500, 80);
    world.streams.push(Stream::new(10_001, 0));
    world.streams.extend(vec![Stream::new(51, 0); 9]);
    let plan = settle(&mut world, 5);
    let giant = plan.windows[0];
    assert!(
        giant
            .poll_ms
            .is_some_and(|poll_ms| poll_ms >= POLLING_ABOVE_MS)
    );
    for small in &plan.windows[1..] {
        assert!(small.window_ms * 10 <= giant.window_ms, "{plan:?}");
        assert!(
            small.window_ms <= 2_000 && small.poll_ms.is_none(),
            "{plan:?}"
        );
    }
}

#[test]
fn a_longer_window_begins_with_the_next_frame_and_a_shorter_one_now() {
    let pressed = Session {
        channels: 3_000,
        entries_per_1000_s: 20_000,
        since_frame_ms: 10,
        ..CALM
    };
    let longer = plan(&budget(2500), &[pressed]).windows[0];
    assert!(longer.window_ms > MIN_WINDOW_MS);
    assert_eq!(longer.open_ms, MIN_WINDOW_MS);
    let relieved = Session {
        open_ms: 30_000,
        window_ms: 30_000,
        ..CALM
    };
    let shorter = plan(&budget(2500), &[relieved]).windows[0];
    assert_eq!(shorter, UNLIMITED);
}

#[test]
fn windows_begin_at_once_when_the_next_frames_alone_would_exceed_the_limit() {
    let spent = Budget {
        spent: 145_000,
        ..budget(2500)
    };
    let sent_lately = Session {
        channels: 9_000,
        since_frame_ms: 1_000,
        ..CALM
    };
    let windows = plan(&spent, &[sent_lately]).windows[0];
    assert_eq!(windows.open_ms, windows.window_ms);
    assert!(windows.open_ms > 2_000, "{windows:?}");
}

#[test]
fn urgent_messages_beyond_the_limit_are_reported_and_leave_the_longest_windows() {
    let storm = Budget {
        spent: 160_000,
        urgent: 150_001,
        ..budget(2500)
    };
    let plan = plan(&storm, &[CALM]);
    assert!(plan.over);
    assert_eq!(plan.windows[0].window_ms, MAX_WINDOW_MS);
    let almost = Budget {
        urgent: 150_000,
        ..storm
    };
    assert!(!super::plan(&almost, &[CALM]).over);
}

#[test]
fn more_channels_than_a_frame_a_minute_allows_are_reported() {
    let of = |channels| Session { channels, ..CALM };
    assert!(!plan(&budget(100), &[of(2_399), of(2_399)]).crowded);
    assert!(plan(&budget(100), &[of(2_399), of(2_400)]).crowded);
}

#[test]
fn viewer_counts_have_their_own_window_from_the_same_budget() {
    let changing = Session {
        channels: 1_001,
        viewer_events: 1,
        ..CALM
    };
    let windows = plan(&budget(2500), &[changing]).windows[0];
    assert_eq!(windows.window_ms, MIN_WINDOW_MS);
    assert!(
        (1_500..2_500).contains(&windows.viewers_window_ms),
        "{windows:?}"
    );
    let calm = plan(
        &budget(2500),
        &[Session {
            channels: 1_001,
            ..CALM
        }],
    )
    .windows[0];
    assert_eq!(calm.viewers_window_ms, 0);
}

#[test]
fn a_rate_follows_within_seconds_and_is_its_mean() {
    let mut rate = 0;
    for _ in 0..30 {
        rate = averaged_rate(rate, 5, 1000);
    }
    assert!((4_950..=5_000).contains(&rate), "{rate}");
    // One entry in ten seconds.
    let mut sum = 0_u64;
    rate = 0;
    for second in 0..1000 {
        rate = averaged_rate(rate, u64::from(second % 10 == 0), 1000);
        sum += u64::from(rate);
    }
    assert!((90..=110).contains(&(sum / 1000)), "{sum}");
    assert_eq!(averaged_rate(1_000_000, 0, 60_000), 0);
    assert_eq!(averaged_rate(0, u64::MAX, 0), u32::MAX);
}

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
        let budget = budget(limit);
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
