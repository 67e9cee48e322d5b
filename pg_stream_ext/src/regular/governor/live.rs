//! The live streams as the governor reads them.

use pgrx::datum::{TimestampWithTimeZone, Uuid};

use crate::postgres::column::columns;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};

/// How many streams LIVE reads at once.
macro_rules! stride {
    () => {
        1000
    };
}
const STRIDE: usize = stride!();

statements! {
    /// The seller has a channel too, and after a takeover perhaps two. Heads and relays are found by key: a join could
    /// read all that there are.
    LIVE: Write [UUIDOID] -> Live,
        concat!(
            "select s.auction_id, s.id, s.viewer_count, s.peak_viewer_count,
                 s.viewer_count + s.superseded_count + case when s.generation > 1 then 2 else 1 end as channels,
                 h.last_seq, h.auction_updates, r.flushed_at, r.window_ms, r.next_window_ms, r.poll_ms, r.auction_window_ms,
                 r.viewers_window_ms, r.viewers_sent_count, r.viewers_sent_at, r.frames, r.urgent_frames,
                 (select max(k.sent_at) from stream.reaction_totals as k where k.session_id = s.id) as reactions_sent_at
             from stream.stream_sessions as s
             cross join lateral (
                 select o.last_seq, o.auction_updates from stream.chat_heads as o where o.session_id = s.id limit 1) as h
             cross join lateral (
                 select o.* from stream.chat_relay as o where o.session_id = s.id limit 1) as r
             where s.state <> 'ended' and s.auction_id > $1
             order by s.auction_id limit ", stride!()
        );
}

columns! {
    pub struct Live {
        auction_id: Uuid,
        pub id: Uuid,
        pub viewer_count: i32,
        pub peak_viewer_count: i32,
        pub channels: i32,
        pub last_seq: i64,
        pub auction_updates: i64,
        pub flushed_at: TimestampWithTimeZone,
        pub window_ms: i32,
        pub next_window_ms: i32,
        pub poll_ms: Option<i32>,
        pub auction_window_ms: i32,
        pub viewers_window_ms: i32,
        pub viewers_sent_count: Option<i32>,
        pub viewers_sent_at: TimestampWithTimeZone,
        pub frames: i64,
        pub urgent_frames: i64,
        pub reactions_sent_at: Option<TimestampWithTimeZone>,
    }
}

/// Reads all live streams, some at a time.
pub fn all() -> Result<Vec<Live>> {
    let mut all: Vec<Live> = Vec::new();
    loop {
        let after = all
            .last()
            .map_or(Uuid::from_bytes([0; 16]), |last| last.auction_id);
        let page = spi::all(&LIVE, &[after.into()])?;
        let is_last = page.len() < STRIDE;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}
