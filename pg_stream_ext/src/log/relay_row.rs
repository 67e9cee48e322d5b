//! Relay rows: the newest entry that a frame carries, the window that it opened, and the lock under which frames are
//! written.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::governor::{AUCTION_WINDOW_MS, MIN_WINDOW_MS};

use crate::clock::Microseconds;
use crate::postgres::caller::Admitted;
use crate::postgres::error::Result;
use crate::postgres::keyed::{Locked, Row, Table, Values, Waiting};

pub static RELAYS: Table = Table::new(c"chat_relay");

/// The lock that an update of the row takes.
const LOCK_MODE: pg_sys::LockTupleMode::Type = pg_sys::LockTupleMode::LockTupleNoKeyExclusive;

const SHORTEST_MS: i32 = MIN_WINDOW_MS.cast_signed();
const AUCTION_MS: i32 = AUCTION_WINDOW_MS.cast_signed();

/// How long an entry waits for its frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// To the end of the window.
    Chat,
    /// To the end of the auction's own window, of which there is none without a limit: bids, and what moderators do to
    /// messages and to the rules of the chat.
    Auction,
    /// State changes and restrictions wait for nothing.
    Urgent,
}

/// The columns of a relay row on which frames depend.
#[derive(Clone, Copy)]
pub struct Relay {
    pub flushed_seq: i64,
    flushed_at: TimestampWithTimeZone,
    window_ms: i32,
    next_window_ms: i32,
    pub poll_ms: Option<i32>,
    auction_window_ms: i32,
    frames: i64,
    urgent_frames: i64,
}

impl Relay {
    pub fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            flushed_seq: row.column(c"flushed_seq")?,
            flushed_at: row.column(c"flushed_at")?,
            window_ms: row.column(c"window_ms")?,
            next_window_ms: row.column(c"next_window_ms")?,
            poll_ms: row.nullable(c"poll_ms")?,
            auction_window_ms: row.column(c"auction_window_ms")?,
            frames: row.column(c"frames")?,
            urgent_frames: row.column(c"urgent_frames")?,
        })
    }

    /// The frames that were written, and those of them that did not wait.
    pub fn frames(&self) -> (i64, i64) {
        (self.frames, self.urgent_frames)
    }

    /// Whether the window of the last frame is open. A frame dated ahead of the clock is from before the clock was set
    /// back.
    pub fn is_open(&self, now: TimestampWithTimeZone) -> bool {
        self.is_within(now, self.window_ms)
    }

    fn is_within(&self, now: TimestampWithTimeZone, window_ms: i32) -> bool {
        let passed_us = now
            .into_inner()
            .saturating_sub(self.flushed_at.into_inner());
        (0..=i64::from(window_ms) * 1000).contains(&passed_us)
    }

    /// When a window that the governor has made longer ends; none when it has ended, and of the shortest, for whose end a
    /// ticker does not wait.
    pub fn long_window_ends_at(&self, now: TimestampWithTimeZone) -> Option<Microseconds> {
        let is_long = self.window_ms > SHORTEST_MS && self.is_open(now);
        is_long.then(|| self.flushed_at.into_inner() + i64::from(self.window_ms) * 1000)
    }

    /// Whether frames wait longer than they do without a limit, so that each has to carry all that waits.
    pub fn is_pressed(&self) -> bool {
        self.next_window_ms > SHORTEST_MS
    }

    /// Whether the window of auction updates is open.
    pub fn is_auction_open(&self, now: TimestampWithTimeZone) -> bool {
        self.auction_window_ms > 0 && self.is_within(now, self.auction_window_ms)
    }

    /// Whether auction updates wait longer than for the shortest window, for whose end only a ticker looks.
    pub fn is_auction_pressed(&self) -> bool {
        self.auction_window_ms > SHORTEST_MS
    }

    /// The changes by which the open window ends with that of auction updates; none if it does. It is made longer for an
    /// update before which nothing waits, up to 200 ms: five frames a second.
    pub fn fit_to_auction(&self, is_next: bool) -> Option<Values<5>> {
        let least_ms = if is_next { AUCTION_MS } else { SHORTEST_MS };
        let window_ms = self.window_ms.max(least_ms).min(self.auction_window_ms);
        (self.is_auction_pressed() && window_ms != self.window_ms).then(|| self.values(window_ms))
    }

    /// The changes after so many more frames, up to the entry `flushed_seq`.
    pub fn after_frames(
        mut self,
        flushed_seq: i64,
        flushed_at: TimestampWithTimeZone,
        frames: i64,
        urgency: Urgency,
    ) -> Values<5> {
        (self.flushed_seq, self.flushed_at) = (flushed_seq, flushed_at);
        self.frames += frames;
        if urgency == Urgency::Urgent {
            self.urgent_frames += frames;
        }
        self.values(self.next_window_ms)
    }

    /// The changes that take back a frame that could not be written.
    pub fn without_frame(self) -> Values<5> {
        self.values(self.window_ms)
    }

    fn values(&self, window_ms: i32) -> Values<5> {
        [
            (c"flushed_seq", self.flushed_seq.into()),
            (c"flushed_at", self.flushed_at.into()),
            (c"window_ms", window_ms.into()),
            (c"frames", self.frames.into()),
            (c"urgent_frames", self.urgent_frames.into()),
        ]
    }
}

/// Locks the relay row of a session, and returns what `read` takes from it.
pub fn lock<T>(
    admitted: Admitted,
    session: Uuid,
    waiting: Waiting,
    read: impl FnOnce(&Row) -> Result<T>,
) -> Result<Locked<T>> {
    RELAYS.lock(admitted, &[session], LOCK_MODE, waiting, read)
}

/// Reads a relay row as committed by now; none when the session was deleted.
pub fn find(admitted: Admitted, session: Uuid) -> Result<Option<Relay>> {
    RELAYS.find(admitted, &[session], |row| Relay::read(row).map(Some))
}
