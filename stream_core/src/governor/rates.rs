//! What streams demand at their rates and windows, and how rates follow what happens.

use crate::governor::conditions::{frames_per_1000_s, viewer_events_per_1000_s};
use crate::governor::tests::{CALM, LONG_AGO, budget};
use crate::governor::*;

/// A frame of it costs a hundred messages.
const HUNDRED: Session = Session {
    channels: 99,
    ..CALM
};

#[test]
fn frames_are_as_many_as_entries_and_at_most_one_a_window() {
    for (entries, auctions, window_ms, auction_window_ms, frames) in [
        (2_000, 0, 50, 50, 2_000),
        (1_000, 1_000, 50, 50, 2_000),
        (20_000, 0, 1_000, 200, 1_000),
        // Each carries all that waits, so both have no more than the shorter window admits.
        (3_000, 1_000, 1_000, 200, 2_000),
        (20_000, 20_000, 1_000, 200, 5_000),
        (0, 20_000, 60, 200, 5_000),
        // One begun is counted as a whole.
        (1_000, 0, 60_000, 60_000, 17),
    ] {
        let session = Session {
            entries_per_1000_s: entries,
            auctions_per_1000_s: auctions,
            ..HUNDRED
        };
        assert_eq!(
            frames_per_1000_s(&session, window_ms, auction_window_ms),
            100 * frames,
            "{session:?}"
        );
    }
}

#[test]
fn each_kind_of_viewer_events_comes_once_a_window_and_without_one_once_a_second() {
    for (counts, reactions, window_ms, events) in [
        (true, true, 0, 2_000),
        (true, true, 2_000, 1_000),
        (true, false, 2_000, 500),
        (false, true, 2_000, 500),
        (false, false, 0, 0),
    ] {
        let event = |is_expected| ViewerEvent {
            is_expected,
            ..LONG_AGO
        };
        let session = Session {
            counts: event(counts),
            reactions: event(reactions),
            ..HUNDRED
        };
        assert_eq!(
            viewer_events_per_1000_s(&session, window_ms),
            100 * events,
            "{session:?}"
        );
    }
}

/// At five frames a second an auction fits, so the chat need not wait longer for it.
#[test]
fn a_stream_of_bids_alone_makes_the_windows_no_longer_than_the_auction_needs() {
    let bidding = Session {
        auctions_per_1000_s: 20_000,
        ..HUNDRED
    };
    let windows = plan(&budget(1_100), &[bidding]).windows[0];
    assert_eq!(windows.auction_window_ms, AUCTION_WINDOW_MS);
    assert!(windows.window_ms < 100, "{windows:?}");
}

#[test]
fn a_plan_says_what_it_expects_to_be_spent() {
    let session = Session {
        entries_per_1000_s: 500,
        auctions_per_1000_s: 250,
        counts: ViewerEvent {
            is_expected: true,
            ..LONG_AGO
        },
        ..HUNDRED
    };
    let budget = |limit_per_s| Budget {
        spent: 6_000,
        urgent: 659,
        ..budget(limit_per_s)
    };
    // 75 for frames and 100 for counts of each stream, and 10 for what never waits.
    for limit_per_s in [0, 2_500] {
        let plan = plan(&budget(limit_per_s), &[session; 2]);
        assert_eq!(plan.expected_per_s, 2 * 175 + 10, "{plan:?}");
    }
}

/// Of 2,000 a second 200 are kept for what never waits; frames have two thirds of the rest.
#[test]
fn a_plan_expects_no_more_than_its_windows_let_through() {
    let crowd = Session {
        channels: 999,
        ..HUNDRED
    };
    let chat = Session {
        entries_per_1000_s: 20_000,
        ..crowd
    };
    let bids = Session {
        auctions_per_1000_s: 20_000,
        ..chat
    };
    let counts = Session {
        counts: ViewerEvent {
            is_expected: true,
            ..LONG_AGO
        },
        ..crowd
    };
    for (session, most) in [(chat, 1_200), (bids, 1_200), (counts, 600)] {
        let plan = plan(&budget(2_500), &[session; 3]);
        // Windows have steps of an eighth.
        let expected = most * 8 / 9..=most;
        assert!(expected.contains(&plan.expected_per_s), "{plan:?}");
    }
}

#[test]
fn a_rate_falls_to_nothing() {
    let mut rate = 1_000;
    for _ in 0..60 {
        rate = averaged_rate(rate, 0, 1000);
    }
    assert_eq!(rate, 0);
}

#[test]
fn an_event_lets_others_be_expected_for_about_ten_seconds() {
    let mut rate = averaged_rate(0, 1, 1000);
    let mut seconds = 0;
    while ViewerEvent::of(rate, u32::MAX, 0).is_expected {
        rate = averaged_rate(rate, 0, 1000);
        seconds += 1;
    }
    assert!((9..=14).contains(&seconds), "{seconds} s");
}

#[test]
fn events_are_expected_while_the_window_of_the_last_one_is_open() {
    assert!(ViewerEvent::of(0, 4_999, 5_000).is_expected);
    assert!(!ViewerEvent::of(0, 5_000, 5_000).is_expected);
}
