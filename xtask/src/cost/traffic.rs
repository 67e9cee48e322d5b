//! The broadcasts of streams under a load, and the messages that Realtime counts for them.

use stream_core::governor::{
    AVERAGE_S, Budget, MIN_VIEWERS_WINDOW_MS, Session, UNLIMITED, ViewerEvent, Windows, plan,
};

use super::load::Load;

/// Plans until the windows are as long as they stay. Each holds for a second.
const MOST_PLANS: usize = 600;

/// What is broadcast for each stream, and counted for all of them. Rates in thousandths a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// None: each message is a broadcast of its own.
    pub windows: Option<Windows>,
    pub frames: u64,
    /// Viewer counts and totals of reactions.
    pub viewer_events: u64,
    pub counted: u64,
}

impl Traffic {
    /// Every message, every bid, every change of the viewers and every reaction is a broadcast of its own.
    pub fn without_coalescing(load: &Load) -> Self {
        let viewer_events = u64::from(load.viewer_changes) + u64::from(load.reactions);
        let entries = u64::from(load.messages) + u64::from(load.bids);
        Self::of(load, None, entries, viewer_events)
    }

    /// In the windows that the governor decides for such streams when they have lasted for a while. What never waits, state
    /// changes and restrictions, is rare and left out.
    pub fn coalesced(load: &Load, limit_per_s: u32) -> Self {
        let mut windows = UNLIMITED;
        let mut traffic = Self::in_windows(load, windows);
        // They have just begun.
        let mut spent = 0;
        for _ in 0..MOST_PLANS {
            let budget = Budget {
                limit_per_s,
                share_percent: load.share_percent,
                spent,
                urgent: 0,
            };
            let planned = plan(&budget, &sessions(load, &traffic, windows));
            let Some(next) = planned.windows.first().copied() else {
                break;
            };
            let before = (windows, spent);
            windows = next;
            traffic = Self::in_windows(load, windows);
            spent = traffic.counted * AVERAGE_S / 1000;
            if (windows, spent) == before {
                break;
            }
        }
        traffic
    }

    /// What a month comes to.
    pub fn counted_per_month(&self, load: &Load) -> u64 {
        self.counted * u64::from(load.hours) * 3600 / 1000
    }

    fn in_windows(load: &Load, windows: Windows) -> Self {
        let apart = at_most_once_in(windows.window_ms, load.messages)
            + at_most_once_in(windows.auction_window_ms, load.bids);
        // Each frame carries all that waits. Without a window of their own bids go out at once.
        let shorter_ms = windows.window_ms.min(windows.auction_window_ms);
        let frames = match shorter_ms {
            0 => apart,
            _ => apart.min(u64::from(1_000_000 / shorter_ms)),
        };
        let viewers_window_ms = windows.viewers_window_ms.max(MIN_VIEWERS_WINDOW_MS);
        let viewer_events = at_most_once_in(viewers_window_ms, load.viewer_changes)
            + at_most_once_in(viewers_window_ms, load.reactions);
        Self::of(load, Some(windows), frames, viewer_events)
    }

    fn of(load: &Load, windows: Option<Windows>, frames: u64, viewer_events: u64) -> Self {
        Self {
            windows,
            frames,
            viewer_events,
            counted: u64::from(load.streams) * load.broadcast() * (frames + viewer_events),
        }
    }
}

/// A rate that is limited to once in a window.
fn at_most_once_in(window_ms: u32, rate: u32) -> u64 {
    u64::from(
        1_000_000_u32
            .checked_div(window_ms)
            .map_or(rate, |most| rate.min(most)),
    )
}

/// The streams, each at another point of its window.
fn sessions(load: &Load, traffic: &Traffic, windows: Windows) -> Vec<Session> {
    let since = |number: u32, rate: u64| {
        let interval_ms = 1_000_000 / rate.max(1);
        let since_ms = interval_ms * u64::from(number) / u64::from(load.streams.max(1));
        u32::try_from(since_ms).unwrap_or(u32::MAX)
    };
    let event = |number, rate| ViewerEvent {
        is_expected: rate > 0,
        since_ms: since(number, traffic.viewer_events),
    };
    let session = |number| Session {
        channels: load.channels(),
        entries_per_1000_s: load.messages,
        auctions_per_1000_s: load.bids,
        since_frame_ms: since(number, traffic.frames),
        open_ms: windows.open_ms,
        window_ms: windows.window_ms,
        auction_window_ms: windows.auction_window_ms,
        counts: event(number, load.viewer_changes),
        reactions: event(number, load.reactions),
        viewers_window_ms: windows.viewers_window_ms,
    };
    (0..load.streams).map(session).collect()
}
