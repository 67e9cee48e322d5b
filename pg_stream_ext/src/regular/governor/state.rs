//! What the last plan knew of each stream, and what each has done since: table `governor`.

use std::collections::HashMap;

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use stream_core::governor::{Plan, Session, ViewerEvent};

use crate::log::relay_queue::{SessionKey, session_key};
use crate::log::relay_row;
use crate::postgres::caller::Admitted;
use crate::postgres::column::columns;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};
use crate::regular::figures::turn;
use crate::regular::governor::change::microseconds_since;
use crate::regular::governor::known::{ENDED_PLANS, Known};
use crate::regular::governor::live::Live;
use crate::regular::governor::spending::{Sends, Spending};

statements! {
    READ: Write [] -> State,
        "select g.planned_at, g.limit_per_s, g.sessions, g.known from stream.governor as g limit 1";

    /// Returns no row while another plan is being made, and otherwise what the last one has left.
    LOCK: Write [] -> State,
        "select g.planned_at, g.limit_per_s, g.sessions, g.known from stream.governor as g where g.id for update skip locked";

    CREATE: Write []
        concat!("with ", turn!(), " insert into stream.governor (id) select t.id from turn as t on conflict do nothing");

    WRITE: Write [TIMESTAMPTZOID, INT4OID, TEXTOID, INT8OID, BOOLOID, BOOLOID, UUIDARRAYOID, INT8ARRAYOID]
        "update stream.governor
         set planned_at = $1, limit_per_s = $2, reason = $3, expected_per_s = $4, is_over = $5, is_crowded = $6,
             sessions = $7, known = $8
         where id";
}

columns! {
    pub struct State {
        pub planned_at: TimestampWithTimeZone,
        pub limit_per_s: i32,
        sessions: Vec<Uuid>,
        known: Vec<i64>,
    }
}

impl State {
    /// The row of the last plan; none after a crash, in which it is lost.
    pub fn read() -> Result<Option<Self>> {
        spi::first(&READ, &[])
    }

    /// The row of the last plan, locked until the transaction ends; none while somebody holds it. It may be newer than what
    /// was read before: another ticker has planned meanwhile.
    pub fn lock_or_create() -> Result<Option<Self>> {
        if Self::read()?.is_none() {
            spi::execute(&CREATE, &[])?;
        }
        spi::first(&LOCK, &[])
    }

    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    fn known(&self) -> HashMap<SessionKey, Known> {
        let (known, _) = self.known.as_chunks();
        let sessions = self.sessions.iter().map(session_key);
        sessions.zip(known.iter().map(Known::read)).collect()
    }
}

/// All live streams at this plan.
pub struct Streams {
    /// The live ones, and behind them those that have ended lately.
    ids: Vec<Uuid>,
    known: Vec<Known>,
    /// In the order of the live streams.
    pub sessions: Vec<Session>,
    /// What was spent since the last plan.
    pub spending: Spending,
}

impl Streams {
    pub fn measure(
        admitted: Admitted,
        state: &State,
        live: &[Live],
        sends: &[Sends],
        now: TimestampWithTimeZone,
    ) -> Result<Self> {
        let mut before = state.known();
        let is_first = microseconds_since(state.planned_at, now) == i64::MAX;
        let elapsed_ms = milliseconds_since(state.planned_at, now);
        let mut channels: HashMap<SessionKey, i64> = HashMap::new();
        let mut reactions: HashMap<SessionKey, i64> = HashMap::new();
        for sent in sends.iter().filter(|sent| sent.kind == "reactions") {
            if let Some(session) = &sent.session_id {
                *reactions.entry(session_key(session)).or_default() += sent.count;
            }
        }
        let mut streams = Self {
            ids: Vec::with_capacity(live.len()),
            known: Vec::with_capacity(live.len()),
            sessions: Vec::with_capacity(live.len()),
            spending: Spending::default(),
        };
        for live in live {
            let key = session_key(&live.id);
            let earlier = before.remove(&key);
            // After a crash, and for a stream that is new, what it has done until now says nothing about its rate.
            let base = earlier.unwrap_or(Known {
                last_seq: live.last_seq,
                frames: if is_first { live.frames } else { 0 },
                urgent_frames: if is_first { live.urgent_frames } else { 0 },
                viewer_count: live.viewer_count.into(),
                auction_updates: live.auction_updates,
                ..Known::default()
            });
            let known = base.after(live, reactions.get(&key).copied().unwrap_or(0), elapsed_ms);
            channels.insert(key, known.channels);
            streams.spend_frames(&base, &known);
            streams.sessions.push(session(live, &known, now));
            streams.ids.push(live.id);
            streams.known.push(known);
        }
        // Streams that have ended: their channels are open still.
        for (key, base) in before {
            channels.insert(key, base.channels);
            if let Some(relay) = relay_row::find(admitted, Uuid::from_bytes(key))? {
                let (frames, urgent_frames) = relay.frames();
                let known = Known {
                    frames,
                    urgent_frames,
                    ended: base.ended + 1,
                    ..base
                };
                streams.spend_frames(&base, &known);
                if known.ended <= ENDED_PLANS {
                    streams.ids.push(Uuid::from_bytes(key));
                    streams.known.push(known);
                }
            }
        }
        for sent in sends {
            let of_stream = sent.session_id.as_ref().map(session_key);
            let receiving = of_stream.map_or(1, |key| channels.get(&key).copied().unwrap_or(1));
            streams
                .spending
                .add(&sent.kind, sent.count * (receiving + 1));
        }
        Ok(streams)
    }

    fn spend_frames(&mut self, before: &Known, now: &Known) {
        let cost = now.channels + 1;
        let frames = (now.frames - before.frames).max(0);
        let urgent = (now.urgent_frames - before.urgent_frames).max(0);
        self.spending.add_frames(frames * cost, urgent * cost);
    }

    pub fn write(&self, limit_per_s: i32, plan: &Plan, now: TimestampWithTimeZone) -> Result<()> {
        let known: Vec<i64> = self
            .known
            .iter()
            .flat_map(|known| known.numbers())
            .collect();
        let arguments = [
            now.into(),
            limit_per_s.into(),
            plan.reason.as_str().into(),
            i64::try_from(plan.expected_per_s)
                .unwrap_or(i64::MAX)
                .into(),
            plan.over.into(),
            plan.crowded.into(),
            self.ids.clone().into(),
            known.into(),
        ];
        spi::execute(&WRITE, &arguments).map(|_| ())
    }
}

/// A live stream as the plan sees it.
fn session(live: &Live, known: &Known, now: TimestampWithTimeZone) -> Session {
    let positive = |number: i32| u32::try_from(number).unwrap_or(0);
    let viewers_window_ms = positive(live.viewers_window_ms);
    let event = |rate, since_ms| ViewerEvent::of(rate, since_ms, viewers_window_ms);
    let since_reactions_ms = live
        .reactions_sent_at
        .map_or(u32::MAX, |at| milliseconds_since(at, now));
    Session {
        channels: positive(live.channels),
        entries_per_1000_s: known.entries_per_1000_s,
        auctions_per_1000_s: known.auctions_per_1000_s,
        since_frame_ms: milliseconds_since(live.flushed_at, now),
        open_ms: positive(live.window_ms),
        window_ms: positive(live.next_window_ms),
        auction_window_ms: positive(live.auction_window_ms),
        // Without a window nobody notes when a count was broadcast.
        counts: event(
            known.counts_per_1000_s,
            milliseconds_since(live.viewers_sent_at, now),
        ),
        reactions: event(known.reactions_per_1000_s, since_reactions_ms),
        viewers_window_ms,
    }
}

/// As long as can be for a time before any, and for one ahead of the clock.
fn milliseconds_since(at: TimestampWithTimeZone, now: TimestampWithTimeZone) -> u32 {
    u32::try_from(microseconds_since(at, now) / 1000).unwrap_or(u32::MAX)
}
