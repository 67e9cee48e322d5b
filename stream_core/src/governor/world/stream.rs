//! A stream of the model: its windows, what waits for them, and what it has sent.

use crate::governor::{
    AUCTION_WINDOW_MS, MIN_WINDOW_MS, Session, ViewerEvent, Windows, averaged_rate,
};

/// The interval of ticks, in milliseconds.
const TICK_MS: u64 = 50;

/// How long totals of reactions rest without a window, in milliseconds.
const REACTIONS_REST_MS: u32 = 900;

/// What happens in a stream within a second.
#[derive(Debug, Clone, Default)]
pub struct Second {
    /// The times of entries in milliseconds, ascending, and whether each is an auction update.
    pub entries: Vec<(u64, bool)>,
    /// Whether the number of viewers changes.
    pub has_changed: bool,
    pub has_reactions: bool,
}

impl Second {
    /// So many entries of the chat, and so many auction updates, evenly.
    pub fn even(now_ms: u64, chat: u64, auctions: u64) -> Self {
        let of = |count: u64, is_auction| {
            (0..count).map(move |n| (now_ms + n * 1000 / count, is_auction))
        };
        let mut entries: Vec<_> = of(chat, false).chain(of(auctions, true)).collect();
        entries.sort_unstable();
        Self {
            entries,
            ..Self::default()
        }
    }
}

/// A stream, its windows, and what it has done.
#[derive(Debug, Clone)]
pub struct Stream {
    pub channels: u32,
    pub frames: u64,
    /// The longest that an entry has waited for its frame.
    pub longest_wait_ms: u64,
    /// The longest that an auction update has waited.
    pub longest_auction_wait_ms: u64,
    pub windows: Windows,
    last_frame_ms: u64,
    last_count_ms: u64,
    last_reactions_ms: u64,
    waiting_since_ms: Option<u64>,
    auction_since_ms: Option<u64>,
    is_count_waiting: bool,
    are_reactions_waiting: bool,
    entries: u64,
    auctions: u64,
    rate: u32,
    auction_rate: u32,
    count_rate: u32,
    reaction_rate: u32,
}

impl Stream {
    /// As it is made: the first plan is still ahead.
    pub fn new(channels: u32, now_ms: u64) -> Self {
        let long_ago_ms = now_ms.saturating_sub(60_000);
        Self {
            channels,
            frames: 0,
            longest_wait_ms: 0,
            longest_auction_wait_ms: 0,
            windows: crate::governor::UNLIMITED,
            last_frame_ms: long_ago_ms,
            last_count_ms: long_ago_ms,
            last_reactions_ms: long_ago_ms,
            waiting_since_ms: None,
            auction_since_ms: None,
            is_count_waiting: false,
            are_reactions_waiting: false,
            entries: 0,
            auctions: 0,
            rate: 0,
            auction_rate: 0,
            count_rate: 0,
            reaction_rate: 0,
        }
    }

    pub fn window_ms(&self) -> u32 {
        self.windows.window_ms
    }

    pub fn is_polled(&self) -> bool {
        self.windows.poll_ms.is_some()
    }

    fn cost(&self) -> u64 {
        u64::from(self.channels) + 1
    }

    /// Plays a second from `now_ms`; returns what it costs.
    pub fn play(&mut self, now_ms: u64, second: &Second) -> u64 {
        let mut spent = 0;
        for (at_ms, is_auction) in &second.entries {
            spent += self.send_due(now_ms, *at_ms);
            if *is_auction {
                self.auctions += 1;
                spent += self.log_auction(*at_ms);
            } else {
                self.entries += 1;
                spent += self.log(*at_ms);
            }
        }
        spent += self.send_due(now_ms, now_ms + 999);
        spent + self.send_viewer_events(now_ms + 999, second)
    }

    /// An entry goes out with its own transaction once the window has passed.
    fn log(&mut self, at_ms: u64) -> u64 {
        self.waiting_since_ms.get_or_insert(at_ms);
        if self.is_within(at_ms, self.windows.open_ms) {
            return 0;
        }
        self.send(at_ms)
    }

    /// As `log/relay.rs` has it: an update waits for its own window, which it makes the open one.
    fn log_auction(&mut self, at_ms: u64) -> u64 {
        let is_first = self.waiting_since_ms.is_none();
        self.waiting_since_ms.get_or_insert(at_ms);
        self.auction_since_ms.get_or_insert(at_ms);
        let Windows {
            auction_window_ms,
            open_ms,
            ..
        } = self.windows;
        if !self.is_within(at_ms, auction_window_ms) {
            return self.send(at_ms);
        }
        if auction_window_ms > MIN_WINDOW_MS {
            let least_ms = if is_first { AUCTION_WINDOW_MS } else { 0 };
            self.windows.open_ms = open_ms.clamp(least_ms, auction_window_ms);
        }
        0
    }

    fn is_within(&self, at_ms: u64, window_ms: u32) -> bool {
        at_ms < self.last_frame_ms + u64::from(window_ms)
    }

    /// Lets the ticker send what waits, at the first tick after the window.
    fn send_due(&mut self, from_ms: u64, until_ms: u64) -> u64 {
        let Some(since_ms) = self.waiting_since_ms else {
            return 0;
        };
        // A plan may have made the open window shorter than what has passed of it.
        let due_ms = since_ms
            .max(from_ms)
            .max(self.last_frame_ms + u64::from(self.windows.open_ms));
        let due_ms = due_ms.div_ceil(TICK_MS) * TICK_MS;
        if due_ms > until_ms {
            return 0;
        }
        self.send(due_ms)
    }

    fn send(&mut self, at_ms: u64) -> u64 {
        let waited_ms = |since_ms: Option<u64>| at_ms - since_ms.unwrap_or(at_ms);
        let entry_ms = waited_ms(self.waiting_since_ms.take());
        let auction_ms = waited_ms(self.auction_since_ms.take());
        self.longest_wait_ms = self.longest_wait_ms.max(entry_ms);
        self.longest_auction_wait_ms = self.longest_auction_wait_ms.max(auction_ms);
        self.last_frame_ms = at_ms;
        self.windows.open_ms = self.windows.window_ms;
        self.frames += 1;
        self.cost()
    }

    /// Broadcasts the viewer count and the totals of reactions, each if it waits and its window has passed.
    fn send_viewer_events(&mut self, now_ms: u64, second: &Second) -> u64 {
        self.is_count_waiting |= second.has_changed;
        self.are_reactions_waiting |= second.has_reactions;
        let window_ms = self.windows.viewers_window_ms;
        let has_passed = |at_ms: u64, window_ms: u32| now_ms - at_ms >= u64::from(window_ms);
        let mut broadcasts = 0;
        if self.is_count_waiting && has_passed(self.last_count_ms, window_ms) {
            self.is_count_waiting = false;
            self.last_count_ms = now_ms;
            broadcasts += 1;
        }
        let rest_ms = window_ms.max(REACTIONS_REST_MS);
        let sends_reactions =
            self.are_reactions_waiting && has_passed(self.last_reactions_ms, rest_ms);
        if sends_reactions {
            self.are_reactions_waiting = false;
            self.last_reactions_ms = now_ms;
            broadcasts += 1;
        }
        // Counts by what has changed, reactions by what was broadcast.
        self.count_rate = averaged_rate(self.count_rate, second.has_changed.into(), 1000);
        self.reaction_rate = averaged_rate(self.reaction_rate, sends_reactions.into(), 1000);
        broadcasts * self.cost()
    }

    /// What a plan knows of the stream.
    pub fn measured(&mut self, now_ms: u64) -> Session {
        let since = |at_ms: u64| u32::try_from(now_ms.saturating_sub(at_ms)).unwrap_or(u32::MAX);
        self.rate = averaged_rate(self.rate, std::mem::take(&mut self.entries), 1000);
        self.auction_rate =
            averaged_rate(self.auction_rate, std::mem::take(&mut self.auctions), 1000);
        let Windows {
            window_ms,
            open_ms,
            auction_window_ms,
            viewers_window_ms,
            ..
        } = self.windows;
        let event = |rate, at_ms| ViewerEvent::of(rate, since(at_ms), viewers_window_ms);
        Session {
            channels: self.channels,
            entries_per_1000_s: self.rate,
            auctions_per_1000_s: self.auction_rate,
            since_frame_ms: since(self.last_frame_ms),
            open_ms,
            window_ms,
            auction_window_ms,
            counts: event(self.count_rate, self.last_count_ms),
            reactions: event(self.reaction_rate, self.last_reactions_ms),
            viewers_window_ms,
        }
    }
}
