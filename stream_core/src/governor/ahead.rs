//! What may be sent until the next plan, against what is left of the limit.

use crate::governor::tests::{CALM, LONG_AGO, budget};
use crate::governor::*;

/// Of 150,000 messages a minute 145,500 are planned with.
fn left(messages: u64) -> Budget {
    Budget {
        spent: 145_500 - messages,
        ..budget(2500)
    }
}

const SILENT: ViewerEvent = ViewerEvent {
    is_expected: false,
    since_ms: u32::MAX,
};

const THIS_MOMENT: ViewerEvent = ViewerEvent {
    is_expected: false,
    since_ms: 0,
};

/// Two frames of a hundred messages in the two seconds for which a plan holds.
#[test]
fn frames_have_two_thirds_of_what_is_left() {
    let session = Session {
        channels: 99,
        ..CALM
    };
    let plan = plan(&left(300), &[session]);
    assert_eq!(plan.reason, Reason::Limit);
    let window_ms = plan.windows[0].window_ms;
    assert!((1_001..1_200).contains(&window_ms), "{window_ms} ms");
}

#[test]
fn what_never_waits_is_supposed_to_go_on_until_the_next_plan() {
    let session = Session {
        channels: 999,
        ..CALM
    };
    let windows = |spent, urgent| {
        let budget = Budget {
            spent,
            urgent,
            ..budget(2500)
        };
        plan(&budget, &[session]).windows
    };
    // 2,000 a second.
    let (spent, urgent) = (140_000, 120_000);
    assert_eq!(windows(spent, urgent), windows(spent + 4_000, 0));
    assert_ne!(windows(spent, urgent), windows(spent, 0));
}

#[test]
fn counts_may_be_sent_until_the_next_plan_and_reactions_where_there_were_some() {
    let window_ms = |counts, reactions| {
        let session = Session {
            counts,
            reactions,
            ..CALM
        };
        plan(&left(150), &[session]).windows[0].viewers_window_ms
    };
    // The window of what was sent this moment has to last beyond the next plan.
    let of_counts = window_ms(THIS_MOMENT, SILENT);
    assert!((2_001..2_400).contains(&of_counts), "{of_counts} ms");
    // A first count would not be kept back by any.
    assert_eq!(window_ms(SILENT, THIS_MOMENT), MAX_WINDOW_MS);
}

/// Windows of viewer events are at least a second long, also of streams whose share of the level is shorter.
#[test]
fn viewer_events_of_small_streams_come_no_more_than_once_a_second() {
    let of = |channels| Session {
        channels,
        reactions: SILENT,
        ..CALM
    };
    let mut sessions = vec![of(9_999)];
    sessions.extend([of(99); 100]);
    let windows = plan(&left(135_000), &sessions).windows;
    // One of the giant stream and three of each small one.
    let giant = windows[0].viewers_window_ms;
    assert!((2_001..2_400).contains(&giant), "{giant} ms");
    assert_eq!(windows[1].viewers_window_ms, 0);
}

/// Where the next frame of a giant stream does not fit any more, its window begins at once; the windows of others are no shorter
/// for that.
#[test]
fn a_limit_that_is_a_little_higher_makes_no_window_longer() {
    let giant = Session {
        channels: 9_000,
        since_frame_ms: 1_000,
        ..CALM
    };
    let tiny = Session {
        channels: 1,
        ..CALM
    };
    let mut before = None;
    let mut at_once = [false, false];
    for limit_per_s in 2_700..2_760 {
        let budget = Budget {
            spent: 145_000,
            ..budget(limit_per_s)
        };
        let windows = plan(&budget, &[giant, tiny]).windows;
        let is_at_once = windows[0].open_ms > MIN_WINDOW_MS;
        at_once[usize::from(is_at_once)] = true;
        let present = (windows[0].window_ms, windows[1].window_ms);
        if let Some((giant_ms, tiny_ms)) = before.replace(present) {
            assert!(
                present.0 <= giant_ms && present.1 <= tiny_ms,
                "{limit_per_s}/s: {windows:?}, before {giant_ms} and {tiny_ms} ms"
            );
        }
    }
    assert_eq!(at_once, [true, true]);
}

/// As long as needed for no frame until the next plan.
#[test]
fn a_window_that_begins_at_once_is_no_longer_than_needed() {
    let sent_lately = Session {
        channels: 9_000,
        since_frame_ms: 1_000,
        counts: LONG_AGO,
        ..CALM
    };
    let plan = plan(&left(500), &[sent_lately]);
    let windows = plan.windows[0];
    assert_eq!(plan.reason, Reason::Limit);
    assert_eq!(windows.open_ms, windows.window_ms);
    assert!((3_001..3_500).contains(&windows.window_ms), "{windows:?}");
}

/// Where neither condition can be met the share is named, by which fewer streams would help.
#[test]
fn the_share_is_the_reason_where_both_conditions_want_the_same() {
    let busy = Session {
        channels: 9_000,
        entries_per_1000_s: 20_000,
        ..CALM
    };
    let plan = plan(&budget(1), &[busy]);
    assert_eq!(plan.windows[0].window_ms, MAX_WINDOW_MS);
    assert_eq!(plan.reason, Reason::Share);
}
