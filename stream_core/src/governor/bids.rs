//! Streams with bids, until their windows have settled.

use crate::governor::world::{Second, Stream, World};

/// An auction closes: ten bids and a few messages a second before ten thousand viewers.
#[test]
fn bids_before_ten_thousand_viewers_stay_within_the_share() {
    let mut world = World::new(2500, 80);
    world.streams.push(Stream::new(10_001, 0));
    world.streams.push(Stream::new(101, 0));
    let bid = |world: &mut World| {
        let now_ms = world.now_ms();
        world.second(0, |number, _| match number {
            0 => Second::even(now_ms, 3, 10),
            _ => Second::even(now_ms, 1, 0),
        })
    };
    let mut most = 0;
    let mut plan = bid(&mut world);
    for _ in 0..600 {
        plan = bid(&mut world);
        most = most.max(world.last_minute().0);
    }
    assert!(most <= 60 * 2500, "{most} messages in a minute");
    let settled = world.last_minute().0;
    assert!(settled <= 60 * 2000, "{settled}: more than the share");
    let [giant, small] = plan.windows[..] else {
        panic!("{plan:?}");
    };
    assert!(
        giant.auction_window_ms + 2_000 <= giant.window_ms,
        "{plan:?}"
    );
    assert!(small.window_ms <= 2_000, "{plan:?}");
}

#[test]
fn rare_bids_before_a_thousand_viewers_go_out_several_times_sooner_than_the_chat() {
    let mut world = World::new(2500, 80);
    world.streams.push(Stream::new(1001, 0));
    for second in 0..200 {
        let now_ms = world.now_ms();
        world.second(0, |_, _| {
            Second::even(now_ms, 5, u64::from(second % 10 == 9))
        });
    }
    let stream = &world.streams[0];
    assert!(stream.window_ms() >= 900, "{stream:?}");
    // A tick after the window.
    let window_ms = u64::from(stream.windows.auction_window_ms);
    assert!(
        window_ms <= 300 && stream.longest_auction_wait_ms <= window_ms + 100,
        "{stream:?}"
    );
    assert!(world.last_minute().0 <= 60 * 2000);
}
