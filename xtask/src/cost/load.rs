//! How much is going on: viewers, messages, bids, changes of viewers and reactions of the streams that are live at once.

use anyhow::{Context, Result, ensure};

/// Rates are of one stream, in thousandths a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    pub viewers: u32,
    /// Messages of the chat.
    pub messages: u32,
    /// Updates of the auction, which have windows of their own.
    pub bids: u32,
    /// Viewers who come or go.
    pub viewer_changes: u32,
    pub reactions: u32,
    pub streams: u32,
    /// The hours of a month in which so many streams are live.
    pub hours: u32,
    /// The share of the limit that the governor uses, in percent.
    pub share_percent: u32,
}

impl Load {
    /// One stream whose viewers stay ten minutes, 100 hours a month.
    pub fn new(viewers: u32, messages: u32) -> Self {
        Self {
            viewers,
            messages,
            bids: 0,
            viewer_changes: changes(viewers, 10),
            reactions: 0,
            streams: 1,
            hours: 100,
            share_percent: 80,
        }
    }

    /// The same with viewers who stay so many minutes; 0: nobody comes or goes.
    #[must_use]
    pub fn staying(self, minutes: u32) -> Self {
        Self {
            viewer_changes: changes(self.viewers, minutes),
            ..self
        }
    }

    /// The channels that receive a broadcast: each viewer's and the seller's.
    pub fn channels(&self) -> u32 {
        self.viewers.saturating_add(1)
    }

    /// What one broadcast counts: the sending and each channel.
    pub fn broadcast(&self) -> u64 {
        u64::from(self.channels()) + 1
    }
}

/// Who stays so long comes once and goes once in that time.
fn changes(viewers: u32, minutes: u32) -> u32 {
    if minutes == 0 {
        return 0;
    }
    let thousandths = u64::from(viewers) * 2 * 1000 / (u64::from(minutes) * 60);
    u32::try_from(thousandths).unwrap_or(u32::MAX)
}

/// Reads a rate a second such as `5`, `0.2` or `2.375` as thousandths.
pub fn thousandths(text: &str) -> Result<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    ensure!(
        is_number(whole)
            && is_number(part)
            && part.len() <= 3
            && !(whole.is_empty() && part.is_empty()),
        "{text} is no rate a second of at most three decimals"
    );
    let number = |digits: &str| {
        digits
            .parse::<u64>()
            .or_else(|error| if digits.is_empty() { Ok(0) } else { Err(error) })
    };
    let value = number(whole)?
        .checked_mul(1000)
        .and_then(|whole| Some(whole + number(&format!("{part:0<3}")).ok()?));
    let value = value.and_then(|value| u32::try_from(value).ok());
    value.with_context(|| format!("{text} is too much"))
}
