//! What a plan is made of: the budget, live sessions, and their windows.

/// The window of frames without pressure, in milliseconds, and the shortest one.
pub const MIN_WINDOW_MS: u32 = 50;

/// Above this window, in milliseconds, frames tell clients how often to call `sync` meanwhile.
pub const POLLING_ABOVE_MS: u32 = 5_000;

/// The longest window, in milliseconds.
pub const MAX_WINDOW_MS: u32 = 60_000;

/// The shortest planned window of viewer counts, in milliseconds. They are counted about once a second.
pub const MIN_VIEWERS_WINDOW_MS: u32 = 1_000;

/// The shortest window of auction updates under pressure, in milliseconds: five frames a second.
pub const AUCTION_WINDOW_MS: u32 = 200;

/// The time over which Realtime averages, and its buckets, in seconds.
pub const AVERAGE_S: u64 = 60;
pub const BUCKET_S: u64 = 5;

/// The limit and what was spent of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Messages a second of the Realtime plan; 0: no limit.
    pub limit_per_s: u32,
    /// The share of the limit that is used, in percent.
    pub share_percent: u32,
    /// Messages of all kinds in the last 60 s.
    pub spent: u64,
    /// Those of them that never wait: state changes and restrictions.
    pub urgent: u64,
}

/// A live stream as the last plan left it, and what it has sent and logged since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Channels that receive a frame.
    pub channels: u32,
    /// Entries of the log in 1000 s, as lately measured, without auction updates.
    pub entries_per_1000_s: u32,
    /// Auction updates in 1000 s, as lately measured.
    pub auctions_per_1000_s: u32,
    /// Milliseconds since the last frame.
    pub since_frame_ms: u32,
    /// The window that the last frame opened, in milliseconds.
    pub open_ms: u32,
    /// The window that the next frame opens.
    pub window_ms: u32,
    /// The window of auction updates.
    pub auction_window_ms: u32,
    /// Viewer counts, on the topic `viewers`.
    pub counts: ViewerEvent,
    /// Totals of reactions, on the same topic.
    pub reactions: ViewerEvent,
    /// The window of each of the two; 0: each count is sent.
    pub viewers_window_ms: u32,
}

/// One kind of events on the topic `viewers` of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewerEvent {
    /// Whether there are such events at present.
    pub is_expected: bool,
    /// Milliseconds since the last one was broadcast; `u32::MAX`: there was none.
    pub since_ms: u32,
}

impl ViewerEvent {
    /// Events of a kind are expected for about ten seconds after there was one, by their rate in 1000 s, and while the window
    /// of the last one is open.
    #[must_use]
    pub const fn of(per_1000_s: u32, since_ms: u32, window_ms: u32) -> Self {
        const FEWEST: u32 = 10;
        Self {
            is_expected: per_1000_s >= FEWEST || since_ms < window_ms,
            since_ms,
        }
    }
}

/// The windows of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// The window that the next frame opens, in milliseconds.
    pub window_ms: u32,
    /// The window that is open now. A longer window begins with the next frame, which tells clients of it, unless the
    /// plan begins at once.
    pub open_ms: u32,
    /// How often clients may call `sync` while they wait for a frame; none below [`POLLING_ABOVE_MS`].
    pub poll_ms: Option<u32>,
    /// How long after the last frame an auction update waits, in milliseconds; 0: not at all.
    pub auction_window_ms: u32,
    /// The window of viewer counts and that of reactions, in milliseconds; 0: each count is sent.
    pub viewers_window_ms: u32,
}

/// The windows without a limit.
pub const UNLIMITED: Windows = Windows {
    window_ms: MIN_WINDOW_MS,
    open_ms: MIN_WINDOW_MS,
    poll_ms: None,
    auction_window_ms: 0,
    viewers_window_ms: 0,
};

/// The condition that made the windows of frames as long as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There is no limit.
    Unlimited,
    /// Everything fits: the shortest windows.
    Room,
    /// The demand fits the share.
    Share,
    /// The worst case fits the limit.
    Limit,
}

impl Reason {
    /// The name in tables and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unlimited => "unlimited",
            Self::Room => "room",
            Self::Share => "share",
            Self::Limit => "limit",
        }
    }
}

/// The windows until the next plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In the order of the sessions.
    pub windows: Vec<Windows>,
    pub reason: Reason,
    /// The messages a second that the streams are expected to cost, state changes and restrictions included.
    pub expected_per_s: u64,
    /// Whether the limit was exceeded in the last minute: by state changes and restrictions, alone or beside what had been
    /// sent before they came.
    pub over: bool,
    /// Whether even one frame a minute for each stream exceeds the share.
    pub crowded: bool,
}

impl Session {
    /// The messages that one broadcast costs.
    pub(super) fn cost(&self) -> u32 {
        self.channels.saturating_add(1)
    }

    /// How many kinds of events go to the topic `viewers` at present: 0 to 2.
    pub(super) fn viewer_events(&self) -> u32 {
        u32::from(self.counts.is_expected) + u32::from(self.reactions.is_expected)
    }
}
