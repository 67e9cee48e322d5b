//! The level: one number from which the windows of all streams follow, and the search for the least that fits.

use crate::governor::session::{MAX_WINDOW_MS, MIN_WINDOW_MS};

/// What a level loses for auction updates, in thousandths of a millisecond: 0.3 s at 100 channels, 3 s at 10,000. Less than
/// three quarters of it under heavy pressure, when the frames of an auction carry the chat of their stream anyway, and that of
/// others would pay for them.
const AUCTIONS_SOONER: u32 = 30_000;

/// Windows are the level times the square root of what a frame costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u32);

/// Every window is the longest.
pub const MAX_LEVEL: Level = Level(MAX_WINDOW_MS * 1000);

impl Level {
    /// Every window is the shortest.
    pub const ZERO: Self = Self(0);

    /// The level of auction updates: at most three quarters below this one.
    pub fn of_auctions(self) -> Self {
        Self((self.0 / 4).max(self.0.saturating_sub(AUCTIONS_SOONER)))
    }

    /// The window of a stream whose frames cost so many messages, in milliseconds.
    pub fn window_ms(self, cost: u32) -> u32 {
        // Hundredths of the root, and thousandths of a millisecond.
        let root = (u64::from(cost) * 10_000).isqrt();
        let window_ms = u64::from(self.0) * root / 100_000;
        u32::try_from(window_ms)
            .unwrap_or(MAX_WINDOW_MS)
            .clamp(MIN_WINDOW_MS, MAX_WINDOW_MS)
    }
}

/// The least level that fits, where each above one that fits does too; none if not even the highest does.
pub fn least_level(fits: impl Fn(Level) -> bool) -> Option<Level> {
    if fits(Level::ZERO) {
        return Some(Level::ZERO);
    }
    if !fits(MAX_LEVEL) {
        return None;
    }
    let (mut too_low, mut fitting) = (0, MAX_LEVEL.0);
    while fitting - too_low > 1 {
        let middle = too_low + (fitting - too_low) / 2;
        if fits(Level(middle)) {
            fitting = middle;
        } else {
            too_low = middle;
        }
    }
    Some(Level(fitting))
}
