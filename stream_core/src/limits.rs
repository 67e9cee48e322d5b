//! The numbers that bound what a caller may ask for.

use std::ops::RangeInclusive;

use crate::blocked_term::MAX_TERM_CHARS;
use crate::chat::{MAX_CONTENT_CHARS, MAX_NAME_CHARS};

/// Rows in one page of a list.
pub const MAX_PAGE_SIZE: i32 = 200;

/// Items in one batch of the service, ids in one call.
pub const MAX_BATCH_ITEMS: usize = 1000;

/// Characters of the reason for a decision.
pub const MAX_REASON_CHARS: usize = 200;

/// Seconds of a mute or a ban: up to a year.
pub const RESTRICTION_S: RangeInclusive<i32> = 1..=31_536_000;

/// Milliseconds between two messages of a viewer in slow mode: off to an hour.
pub const SLOW_MODE_MS: RangeInclusive<i32> = 0..=3_600_000;

/// Seconds that a lost host has to return.
pub const RECONNECT_WINDOW_S: RangeInclusive<i32> = 0..=1800;

/// One limit by its name in SQL: the least and the greatest value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputLimit {
    pub name: &'static str,
    pub least: i64,
    pub most: i64,
}

/// Every limit, in the order in which it is listed.
pub const ALL: &[InputLimit] = &[
    InputLimit::new("page_size", 1, MAX_PAGE_SIZE as i64),
    InputLimit::new("batch_items", 0, MAX_BATCH_ITEMS as i64),
    InputLimit::new("reason_chars", 0, MAX_REASON_CHARS as i64),
    InputLimit::new("content_chars", 1, MAX_CONTENT_CHARS as i64),
    InputLimit::new("username_chars", 1, MAX_NAME_CHARS as i64),
    InputLimit::new("term_chars", 1, MAX_TERM_CHARS as i64),
    InputLimit::of("restriction_s", &RESTRICTION_S),
    InputLimit::of("slow_mode_ms", &SLOW_MODE_MS),
    InputLimit::of("reconnect_window_s", &RECONNECT_WINDOW_S),
];

impl InputLimit {
    const fn new(name: &'static str, least: i64, most: i64) -> Self {
        Self { name, least, most }
    }

    const fn of(name: &'static str, range: &RangeInclusive<i32>) -> Self {
        Self::new(name, *range.start() as i64, *range.end() as i64)
    }
}
