//! The windows of a plan among themselves: their steps, how they change from plan to plan, and how often clients poll.

use proptest::prelude::*;

use crate::governor::properties::{budgets, sessions};
use crate::governor::tests::{CALM, budget};
use crate::governor::windows::{announce_polling, steady};
use crate::governor::*;
use property_seed::config;

/// As streams are made: no window is longer than needed.
fn fresh(sessions: &[Session]) -> Vec<Session> {
    let fresh = |session: &Session| Session {
        window_ms: MIN_WINDOW_MS,
        auction_window_ms: MIN_WINDOW_MS,
        viewers_window_ms: 0,
        ..*session
    };
    sessions.iter().map(fresh).collect()
}

/// Each an eighth above the one before.
fn steps() -> Vec<u32> {
    let next = |step: &u32| (*step < MAX_WINDOW_MS).then(|| (step + step.div_ceil(8)).min(60_000));
    std::iter::successors(Some(50), next).collect()
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn a_level_that_moves_a_little_changes_few_windows(
        budget in budgets(), sessions in sessions(),
    ) {
        let steps = steps();
        prop_assert!(steps.len() < 64);
        for windows in plan(&budget, &fresh(&sessions)).windows {
            prop_assert!(steps.contains(&windows.window_ms));
            prop_assert!(windows.viewers_window_ms == 0 || steps.contains(&windows.viewers_window_ms));
            prop_assert!(windows.auction_window_ms == AUCTION_WINDOW_MS
                || steps.contains(&windows.auction_window_ms));
        }
    }

    #[test]
    fn windows_that_are_a_tenth_longer_than_needed_stay(
        budget in budgets(), sessions in sessions(),
    ) {
        let sessions = fresh(&sessions);
        let longer = |window_ms: u32| (window_ms * 11 / 10).min(MAX_WINDOW_MS);
        let needed = plan(&budget, &sessions).windows;
        let present: Vec<Session> = sessions
            .iter()
            .zip(&needed)
            .map(|(session, needed)| Session {
                window_ms: longer(needed.window_ms),
                auction_window_ms: longer(needed.auction_window_ms),
                viewers_window_ms: longer(needed.viewers_window_ms),
                ..*session
            })
            .collect();
        for ((windows, needed), present) in plan(&budget, &present).windows.iter().zip(&needed).zip(&present) {
            if needed.window_ms == MIN_WINDOW_MS {
                prop_assert_eq!(windows.window_ms, MIN_WINDOW_MS);
                continue;
            }
            prop_assert_eq!(windows.window_ms, present.window_ms);
            prop_assert_eq!(windows.viewers_window_ms, present.viewers_window_ms);
            if needed.auction_window_ms > AUCTION_WINDOW_MS {
                prop_assert_eq!(windows.auction_window_ms, present.auction_window_ms);
            }
        }
    }
}

#[test]
fn a_window_is_shortened_by_a_fifth_or_to_the_shortest() {
    assert_eq!(steady(1_000, 1_001, MIN_WINDOW_MS), 1_001);
    assert_eq!(steady(1_000, 801, MIN_WINDOW_MS), 1_000);
    assert_eq!(steady(1_000, 800, MIN_WINDOW_MS), 800);
    assert_eq!(steady(57, MIN_WINDOW_MS, MIN_WINDOW_MS), MIN_WINDOW_MS);
    // One of before the longest window was made shorter.
    assert_eq!(steady(70_000, 59_000, MIN_WINDOW_MS), MAX_WINDOW_MS);
}

#[test]
fn a_stream_with_a_hundred_times_as_many_channels_waits_ten_times_as_long() {
    let of = |channels| Session {
        channels,
        entries_per_1000_s: 20_000,
        ..CALM
    };
    let windows = plan(&budget(2500), &[of(99), of(9_999)]).windows;
    let (small, large) = (windows[0].window_ms, windows[1].window_ms);
    assert!(
        (small * 8..small * 12).contains(&large),
        "{small} {large} ms"
    );
}

/// Where 30 ms times the root are more than three quarters of the window.
#[test]
fn auction_updates_of_a_crowd_wait_a_quarter_of_a_window_that_is_not_long() {
    let crowd = Session {
        channels: 9_999,
        entries_per_1000_s: 20_000,
        ..CALM
    };
    let windows = plan(&budget(10_000), &[crowd]).windows[0];
    assert!((1_500..3_000).contains(&windows.window_ms), "{windows:?}");
    assert!(
        (windows.window_ms / 5..windows.window_ms / 3).contains(&windows.auction_window_ms),
        "{windows:?}"
    );
}

/// Each as often as all of them make a thousand calls a second together.
#[test]
fn clients_poll_the_more_rarely_the_more_of_them_wait() {
    let of = |channels, window_ms| {
        let windows = Windows {
            window_ms,
            ..UNLIMITED
        };
        (Session { channels, ..CALM }, windows)
    };
    let (sessions, mut windows): (Vec<_>, Vec<_>) = [
        of(20_000, 25_000),
        of(10_000, 45_000),
        // Its clients do not poll.
        of(9_000, POLLING_ABOVE_MS),
    ]
    .into_iter()
    .unzip();
    announce_polling(&sessions, &mut windows);
    assert_eq!(windows[0].poll_ms, Some(25_000));
    let poll_ms = windows[1].poll_ms.unwrap_or_default();
    assert!((30_000..34_000).contains(&poll_ms), "{poll_ms} ms");
    assert_eq!(windows[2].poll_ms, None);
}
