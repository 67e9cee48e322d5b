//! The decisions of one direction of one connection, which its seed repeats.

use std::time::Duration;

/// How often each fault strikes a piece of at most 4 KiB, out of a thousand pieces; in either direction.
#[derive(Debug, Clone, Copy, Default)]
pub struct Odds {
    /// The piece comes later, by up to `longest_delay`.
    pub delay: u32,
    pub longest_delay: Duration,
    /// A part of the piece still arrives; then both sides see an orderly end.
    pub truncate: u32,
    /// The piece is lost; both sides see an orderly end.
    pub cut: u32,
    /// The piece is lost; both sides see a reset.
    pub reset: u32,
}

impl Odds {
    /// Some of everything, so that most of several hundred exchanges succeed.
    pub const ROUGH: Self = Self {
        delay: 100,
        longest_delay: Duration::from_millis(20),
        truncate: 20,
        cut: 20,
        reset: 20,
    };
}

/// What becomes of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Pass,
    Delay(Duration),
    /// This many of its bytes arrive.
    Truncate(usize),
    Cut,
    Reset,
}

/// SplitMix64 (Steele, Lea and Flood, 2014): good enough to decide, and the same everywhere.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64, connection: u64, direction: u64) -> Self {
        let mut mixed = Self(seed ^ connection.rotate_left(32) ^ direction.rotate_left(63));
        mixed.next();
        mixed
    }

    /// The fate of a piece of `length` bytes, which is at least 1.
    pub(super) fn fate(&mut self, odds: Odds, length: usize) -> Fate {
        let drawn = self.below(1000);
        // Drawn always, so that other odds do not shift what follows.
        let extent = self.next();
        let mut limit = 0;
        let mut is_within = |odds: u32| {
            limit += u64::from(odds);
            drawn < limit
        };
        if is_within(odds.cut) {
            Fate::Cut
        } else if is_within(odds.reset) {
            Fate::Reset
        } else if is_within(odds.truncate) {
            let kept = extent % length as u64;
            Fate::Truncate(usize::try_from(kept).unwrap_or_default())
        } else if is_within(odds.delay) {
            let longest_us = u64::try_from(odds.longest_delay.as_micros()).unwrap_or(u64::MAX);
            Fate::Delay(Duration::from_micros(extent % longest_us.max(1)))
        } else {
            Fate::Pass
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
