//! One change of a stream's windows, and the viewer count that is broadcast with it.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use stream_core::governor::Windows;

use crate::clock::{self, Microseconds};
use crate::log::relay_row::RELAYS;
use crate::postgres::caller::Admitted;
use crate::postgres::error::Result;
use crate::postgres::json_text;
use crate::postgres::keyed::{Locked, Row, Values};
use crate::realtime::broadcast;
use crate::regular::governor::live::Live;

/// What becomes of the windows of a stream.
pub struct Change {
    pub session: Uuid,
    window_ms: i32,
    poll_ms: Option<i32>,
    auction_window_ms: i32,
    viewers_window_ms: i32,
    /// The new window replaces a shorter one that is open.
    at_once: bool,
    viewer_count: i32,
    peak: i32,
    sends_count: bool,
    /// Counts begin to have a window: the present one was broadcast without.
    begins_counts: bool,
}

impl Change {
    /// What has to be written; none if the row is as planned and no count is due.
    pub fn of(live: &Live, windows: &Windows, now: TimestampWithTimeZone) -> Option<Self> {
        let ms = |ms: u32| i32::try_from(ms).unwrap_or(i32::MAX);
        let viewers_window_ms = ms(windows.viewers_window_ms);
        let has_counts = live.viewers_window_ms > 0;
        let passed_us = microseconds_since(live.viewers_sent_at, now);
        let sends_count = has_counts
            && live.viewers_sent_count != Some(live.viewer_count)
            && !(0..Microseconds::from(viewers_window_ms) * 1000).contains(&passed_us);
        let change = Self {
            session: live.id,
            window_ms: ms(windows.window_ms),
            poll_ms: windows.poll_ms.map(ms),
            auction_window_ms: ms(windows.auction_window_ms),
            viewers_window_ms,
            at_once: ms(windows.open_ms) > live.window_ms,
            viewer_count: live.viewer_count,
            peak: live.peak_viewer_count,
            sends_count,
            begins_counts: !has_counts && viewers_window_ms > 0,
        };
        let is_as_planned = (change.window_ms, change.poll_ms, change.viewers_window_ms)
            == (live.next_window_ms, live.poll_ms, live.viewers_window_ms)
            && change.auction_window_ms == live.auction_window_ms
            && ms(windows.open_ms) == live.window_ms;
        (!is_as_planned || sends_count).then_some(change)
    }

    /// Writes the row, unless somebody holds it, and broadcasts the count; returns whether it did.
    pub fn write(&self, admitted: Admitted) -> Result<bool> {
        let now = clock::now()?;
        let method = match self.sends_count {
            true => broadcast::hold_write_method(now)?,
            false => None,
        };
        let is_sent = method.is_some();
        let written = RELAYS.update_free(admitted, &[self.session], |row| {
            self.values(row, is_sent, now)
                .map(|values| Some(((), values)))
        })?;
        match (written, method) {
            (Locked::Taken, _) => return Ok(false),
            (Locked::Held(()), Some(_)) => self.broadcast(now)?,
            (Locked::Held(()) | Locked::Missing, _) => {}
        }
        Ok(true)
    }

    fn values(&self, row: &Row, is_sent: bool, now: TimestampWithTimeZone) -> Result<Values<7>> {
        let open_ms: i32 = row.column(c"window_ms")?;
        let (sent_count, sent_at) = if is_sent || self.begins_counts {
            (Some(self.viewer_count), now)
        } else {
            (
                row.nullable(c"viewers_sent_count")?,
                row.column(c"viewers_sent_at")?,
            )
        };
        let open_ms = if self.at_once {
            self.window_ms
        } else {
            self.window_ms.min(open_ms)
        };
        Ok([
            (c"window_ms", open_ms.into()),
            (c"next_window_ms", self.window_ms.into()),
            (c"poll_ms", self.poll_ms.into()),
            (c"auction_window_ms", self.auction_window_ms.into()),
            (c"viewers_window_ms", self.viewers_window_ms.into()),
            (c"viewers_sent_count", sent_count.into()),
            (c"viewers_sent_at", sent_at.into()),
        ])
    }

    fn broadcast(&self, now: TimestampWithTimeZone) -> Result<()> {
        let session = json_text::uuid(self.session);
        let payload = format!(
            r#"{{"session_id":"{session}","viewer_count":{},"peak":{},"server_time":"{}"}}"#,
            self.viewer_count,
            self.peak,
            json_text::time(now),
        );
        broadcast::broadcast(&format!("viewers:{session}"), "viewer_count", &payload)
    }
}

/// Saturates for the times before any.
pub fn microseconds_since(at: TimestampWithTimeZone, now: TimestampWithTimeZone) -> Microseconds {
    now.into_inner().saturating_sub(at.into_inner())
}
