//! What is known of a stream from one plan to the next: its counters, its rates, and how long ago it has ended.

use stream_core::governor::averaged_rate;

use crate::regular::governor::live::Live;

/// The numbers of a stream in `known`.
pub const NUMBERS: usize = 11;

/// What is known of a stream from one plan to the next.
#[derive(Clone, Copy, Default)]
pub struct Known {
    pub last_seq: i64,
    pub frames: i64,
    pub urgent_frames: i64,
    pub channels: i64,
    pub viewer_count: i64,
    pub auction_updates: i64,
    /// The plans since the stream has ended.
    pub ended: i64,
    pub entries_per_1000_s: u32,
    pub auctions_per_1000_s: u32,
    pub counts_per_1000_s: u32,
    pub reactions_per_1000_s: u32,
}

/// For so many plans after the end of a stream its channels count: what is broadcast then still reaches them.
pub const ENDED_PLANS: i64 = 5;

impl Known {
    pub fn read(numbers: &[i64; NUMBERS]) -> Self {
        let rate = |number: i64| u32::try_from(number).unwrap_or(0);
        let [
            last_seq,
            frames,
            urgent_frames,
            channels,
            viewer_count,
            auction_updates,
            ended,
            entries,
            auctions,
            counts,
            reactions,
        ] = *numbers;
        Self {
            last_seq,
            frames,
            urgent_frames,
            channels,
            viewer_count,
            auction_updates,
            ended,
            entries_per_1000_s: rate(entries),
            auctions_per_1000_s: rate(auctions),
            counts_per_1000_s: rate(counts),
            reactions_per_1000_s: rate(reactions),
        }
    }

    pub fn numbers(self) -> [i64; NUMBERS] {
        [
            self.last_seq,
            self.frames,
            self.urgent_frames,
            self.channels,
            self.viewer_count,
            self.auction_updates,
            self.ended,
            self.entries_per_1000_s.into(),
            self.auctions_per_1000_s.into(),
            self.counts_per_1000_s.into(),
            self.reactions_per_1000_s.into(),
        ]
    }

    /// What a stream has done since, of which reactions are noted elsewhere.
    pub fn after(self, live: &Live, reactions: i64, elapsed_ms: u32) -> Self {
        let positive = |count: i64| u64::try_from(count).unwrap_or(0);
        let has_changed = i64::from(live.viewer_count) != self.viewer_count;
        let rate = |rate, count| averaged_rate(rate, count, elapsed_ms);
        let auctions = positive(live.auction_updates - self.auction_updates);
        let entries = positive(live.last_seq - self.last_seq);
        Self {
            last_seq: live.last_seq,
            frames: live.frames,
            urgent_frames: live.urgent_frames,
            channels: live.channels.into(),
            viewer_count: live.viewer_count.into(),
            auction_updates: live.auction_updates,
            ended: 0,
            entries_per_1000_s: rate(self.entries_per_1000_s, entries.saturating_sub(auctions)),
            auctions_per_1000_s: rate(self.auctions_per_1000_s, auctions),
            counts_per_1000_s: rate(self.counts_per_1000_s, u64::from(has_changed)),
            reactions_per_1000_s: rate(self.reactions_per_1000_s, positive(reactions).min(1)),
        }
    }
}
