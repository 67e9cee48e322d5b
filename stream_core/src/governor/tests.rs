//! Plans for single situations, and the windows in which load that goes on settles.

use crate::governor::world::{Second, Stream, World};
use crate::governor::*;

pub const CALM: Session = Session {
    channels: 100,
    entries_per_1000_s: 0,
    auctions_per_1000_s: 0,
    since_frame_ms: 60_000,
    open_ms: MIN_WINDOW_MS,
    window_ms: MIN_WINDOW_MS,
    auction_window_ms: MIN_WINDOW_MS,
    counts: LONG_AGO,
    reactions: LONG_AGO,
    viewers_window_ms: 0,
};

pub const LONG_AGO: ViewerEvent = ViewerEvent {
    is_expected: false,
    since_ms: 60_000,
};

/// The windows where everything fits a limit.
const SHORTEST: Windows = Windows {
    auction_window_ms: MIN_WINDOW_MS,
    ..UNLIMITED
};

pub fn budget(limit_per_s: u32) -> Budget {
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
        world.second(0, |_, _| Second {
            has_changed: true,
            ..Second::even(now_ms, per_s, 0)
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
    let spent = Budget {
        spent: 160_000,
        urgent: 150_001,
        ..budget(0)
    };
    let plan = plan(&spent, &[busy]);
    assert_eq!(
        (plan.windows, plan.reason),
        (vec![UNLIMITED], Reason::Unlimited)
    );
    assert!(!plan.over && !plan.crowded);
}

#[test]
fn what_fits_has_the_shortest_windows() {
    let plan = plan(&budget(2500), &[CALM; 10]);
    assert_eq!(
        (plan.windows, plan.reason),
        (vec![SHORTEST; 10], Reason::Room)
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
    world.second(0, |_, _| Second::even(now_ms, per_s, 0));
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
    // What the chat demands is no reason to delay viewer counts.
    assert_eq!(longer.viewers_window_ms, 0);
    let relieved = Session {
        open_ms: 30_000,
        window_ms: 30_000,
        ..CALM
    };
    let shorter = plan(&budget(2500), &[relieved]).windows[0];
    assert_eq!(shorter, SHORTEST);
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
    // Also where they came on top of what had been sent.
    let beside = Budget {
        urgent: 80_000,
        ..storm
    };
    assert!(super::plan(&beside, &[CALM]).over);
    let almost = Budget {
        spent: 150_000,
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
        counts: ViewerEvent {
            is_expected: true,
            ..LONG_AGO
        },
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

/// Right after a count the totals that are due still cost a broadcast.
#[test]
fn reactions_that_are_due_count_by_their_own_age() {
    let spent = Budget {
        spent: 145_000,
        ..budget(2500)
    };
    let sent = |since_ms| ViewerEvent {
        is_expected: true,
        since_ms,
    };
    let window_ms = |reactions| {
        let session = Session {
            counts: sent(0),
            reactions,
            ..CALM
        };
        plan(&spent, &[session; 2]).windows[0].viewers_window_ms
    };
    // It fits once their window lasts beyond the next plan.
    assert!(window_ms(sent(30_000)) > 32_000);
    assert!(
        (2_000..5_000).contains(&window_ms(sent(0))),
        "{}",
        window_ms(sent(0))
    );
}
