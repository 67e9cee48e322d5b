//! Cases that were computed by hand.

use super::figures::{dollars, grouped, rate, window};
use super::*;

fn plan(name: &str) -> RealtimePlan {
    RealtimePlan::parse(name).expect("a plan")
}

/// Ten viewers who neither come nor go: a broadcast is 1 sent, 10 to viewers and 1 to the seller.
fn ten_viewers(messages: u32) -> Load {
    Load::new(10, messages).staying(0)
}

#[test]
fn a_broadcast_counts_its_sending_and_every_channel() {
    // 5 messages a second, each counting 12.
    let traffic = Traffic::without_coalescing(&ten_viewers(5_000));
    assert_eq!((traffic.frames, traffic.viewer_events), (5_000, 0));
    assert_eq!(traffic.counted, 60_000);
    // 100 hours are 360,000 s.
    assert_eq!(traffic.counted_per_month(&ten_viewers(5_000)), 21_600_000);
}

#[test]
fn streams_and_hours_multiply() {
    let load = Load {
        streams: 3,
        hours: 10,
        ..ten_viewers(500)
    };
    // Half a message a second in each: 3 * 12 / 2.
    let traffic = Traffic::without_coalescing(&load);
    assert_eq!(traffic.counted, 18_000);
    assert_eq!(traffic.counted_per_month(&load), 648_000);
}

#[test]
fn who_stays_ten_minutes_comes_once_and_goes_once_in_them() {
    // 1,000 * 2 changes in 600 s.
    let load = Load::new(1_000, 0);
    assert_eq!(load.viewer_changes, 3_333);
    assert_eq!(load.staying(60).viewer_changes, 555);
    assert_eq!(load.staying(0).viewer_changes, 0);
    let traffic = Traffic::without_coalescing(&load);
    assert_eq!(traffic.counted, 1_002 * 3_333);
}

#[test]
fn without_a_limit_frames_wait_50_ms_and_counts_go_out_once_a_second() {
    // Five a second are no more than one in 50 ms; 3.333 changes and 40 reactions are one event each.
    let load = Load {
        reactions: 40_000,
        ..Load::new(1_000, 5_000)
    };
    let traffic = Traffic::coalesced(&load, 0);
    assert_eq!((traffic.frames, traffic.viewer_events), (5_000, 2_000));
    assert_eq!(traffic.counted, 1_002 * 7_000);
    // A hundred a second go in 20 frames.
    let busy = Traffic::coalesced(&Load::new(1_000, 100_000).staying(0), 0);
    assert_eq!((busy.frames, busy.counted), (20_000, 1_002 * 20_000));
}

#[test]
fn coalesced_streams_stay_below_the_share_of_every_limit() {
    for limit in [100, 500, 2_500] {
        for viewers in [1, 10, 50, 200, 1_000, 5_000, 10_000] {
            for (messages, bids) in [
                (0, 0),
                (100, 1_000),
                (1_000, 0),
                (5_000, 0),
                (5_000, 10_000),
                (0, 10_000),
                (50_000, 100),
            ] {
                let load = Load {
                    bids,
                    ..Load::new(viewers, messages)
                };
                let traffic = Traffic::coalesced(&load, limit);
                // One frame a minute costs what it costs: the governor calls this crowded.
                let least = 2 * load.broadcast() * 1000 / 60;
                let share = u64::from(limit) * 800;
                assert!(
                    traffic.counted <= share.max(least),
                    "{viewers} viewers, {messages} and {bids}: {} of {share}",
                    traffic.counted
                );
            }
        }
    }
}

#[test]
fn coalescing_never_counts_more_than_each_by_itself() {
    for viewers in [1, 100, 10_000] {
        for messages in [0, 300, 5_000, 200_000] {
            let load = Load::new(viewers, messages);
            let alone = Traffic::without_coalescing(&load).counted;
            for limit in [0, 100, 2_500] {
                assert!(Traffic::coalesced(&load, limit).counted <= alone);
            }
        }
    }
}

/// At once without a limit, beside the frames of the chat; with one within the share, in windows of their own.
#[test]
fn bids_have_windows_of_their_own() {
    let load = Load {
        bids: 30_000,
        ..Load::new(1_000, 5_000).staying(0)
    };
    assert_eq!(Traffic::without_coalescing(&load).frames, 35_000);
    assert_eq!(Traffic::coalesced(&load, 0).frames, 35_000);
    let traffic = Traffic::coalesced(&load, 2_500);
    let windows = traffic.windows.expect("windows");
    assert!(windows.auction_window_ms >= 200 && windows.auction_window_ms < windows.window_ms);
    assert!(traffic.frames <= 1_000_000 / u64::from(windows.auction_window_ms));
}

/// Five messages a second to 1,000 viewers, on a plan of 2,500: at most a quarter of one frame a message.
#[test]
fn a_thousand_viewers_get_a_quarter_of_the_frames_on_team() {
    let traffic = Traffic::coalesced(&Load::new(1_000, 5_000), 2_500);
    assert!(traffic.frames <= 5_000 / 4, "{}", traffic.frames);
    assert!(traffic.frames > 0);
}

#[test]
fn millions_above_the_included_ones_are_sold_whole() {
    let prices = |name: &str, messages: &[u64]| -> Vec<Option<u64>> {
        let plan = plan(name);
        messages
            .iter()
            .map(|count| plan.price_cents(*count))
            .collect()
    };
    let around = [0, 5_000_000, 5_000_001, 6_000_000, 6_000_001, 21_600_000];
    let expected = [0, 0, 250, 250, 500, 4_250].map(Some);
    assert_eq!(prices("pro-no-cap", &around), expected);
    assert_eq!(prices("team", &around), expected);
    assert_eq!(prices("750", &around), expected);
    assert_eq!(prices("free", &[2_000_000, 2_000_001]), [Some(0), None]);
    // Under its spend cap.
    assert_eq!(prices("pro", &[5_000_000, 5_000_001]), [Some(0), None]);
}

#[test]
fn plans_have_their_published_limits() {
    let limits = |name| (plan(name).limit_per_s, plan(name).connections);
    assert_eq!(limits("free"), (100, Some(200)));
    assert_eq!(limits("pro"), (500, Some(500)));
    assert_eq!(limits("pro-no-cap"), (2_500, Some(10_000)));
    assert_eq!(limits("team"), (2_500, Some(10_000)));
    assert_eq!(limits("12,000"), (12_000, None));
    assert!(RealtimePlan::parse("gold").is_err());
    assert!(RealtimePlan::parse("-1").is_err());
}

#[test]
fn rates_are_read_to_the_thousandth() {
    let read = |text| thousandths(text).ok();
    assert_eq!(read("5"), Some(5_000));
    assert_eq!(read("0.2"), Some(200));
    assert_eq!(read("2.375"), Some(2_375));
    assert_eq!(read(".5"), Some(500));
    for wrong in ["", ".", "-1", "1e3", "0.0001", "5 ", "99999999"] {
        assert_eq!(read(wrong), None, "{wrong:?}");
    }
}

#[test]
fn figures_are_written_for_people() {
    assert_eq!(
        [0, 999, 1_000, 21_600_000].map(grouped),
        ["0", "999", "1,000", "21,600,000"]
    );
    assert_eq!(
        [0, 5_000, 3_333, 9_994, 9_995, 5_010_000].map(rate),
        ["0", "5", "3.33", "9.99", "10", "5,010"]
    );
    assert_eq!(
        [0, 250, 123_456].map(dollars),
        ["$0.00", "$2.50", "$1,234.56"]
    );
    assert_eq!([50, 1_000, 8_340].map(window), ["50 ms", "1 s", "8.34 s"]);
}

#[test]
fn a_report_shows_what_is_too_much() {
    let text = report(&Load::new(1_000, 5_000).staying(0), &plan("team"));
    // 5 * 1,002 of 2,500.
    for line in [
        "| messages a second | 5,010 |",
        "| of the limit | 200 % |",
        "| headroom, messages a second | **-2,510** |",
        // 5,010 * 360,000 are 1,803.6 million, 1,799 packages of which are above 5 million.
        "| messages a month | 1,803,600,000 |",
        "| price a month | $4,497.50 |",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(text.contains("1,001 connections of 10,000."), "{text}");
    let crowd = report(&Load::new(500, 1_000), &plan("free"));
    assert!(
        crowd.contains("501 connections of 200: **too many**"),
        "{crowd}"
    );
}
