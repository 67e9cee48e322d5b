//! Flushing a log: writing all entries beyond the last frame as frames, under the session's relay row.

use pgrx::datum::Uuid;
use pgrx::prelude::*;
use stream_core::frame;

use crate::clock;
use crate::log::entry::find_head;
use crate::log::epoch::{epoch, epoch_salt, payload_bytes};
use crate::log::message::message_json;
use crate::log::relay_row::{self, RELAYS, Relay, Urgency};
use crate::postgres::caller::{self, Admitted};
use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::postgres::json_text;
use crate::postgres::keyed::{Locked, Waiting};
use crate::postgres::spi::{self, statements};
use crate::postgres::utc::in_utc;
use crate::realtime::broadcast::{self, find_write_method, hold_write_method};

/// How many log entries UNFLUSHED reads at once; they may become several frames.
macro_rules! page {
    () => {
        500
    };
}
const PAGE: usize = page!();

// A frame under pressure is read at once.
const _: () = assert!(PAGE == frame::MAX_ENTRIES_OF_WINDOW);

statements! {
    UNFLUSHED: Write [UUIDOID, INT8OID] -> Unflushed,
        concat!(
            "select m.seq, ", message_json!(), "::text as json
             from stream.chat_messages as m
             where m.session_id = $1 and m.seq > $2
             order by m.seq
             limit ", page!()
        );
}

columns! {
    struct Unflushed {
        seq: i64,
        json: String,
    }
}

/// Writes the entries of the session's log beyond the last frame. Without a partition for today it
/// writes nothing: the messages stay, and `sync` finds them.
#[pg_extern]
fn flush(session_id: Option<Uuid>) {
    or_raise(
        caller::enter_as_owner()
            .and_then(|admitted| flush_all(admitted, required(session_id, "session_id")?)),
    )
}

fn flush_all(admitted: Admitted, session: Uuid) -> Result<()> {
    LockedRelay::wait_for(admitted, session)?
        .flush(admitted, Urgency::Urgent)
        .map(|_| ())
}

/// A locked relay row. Until the transaction ends no other transaction commits an entry to the log, so consecutive reads
/// of it are consistent.
pub struct LockedRelay {
    session: Uuid,
    relay: Relay,
}

impl LockedRelay {
    fn lock(admitted: Admitted, session: Uuid, waiting: Waiting) -> Result<Locked<Self>> {
        relay_row::lock(admitted, session, waiting, |relay| {
            let relay = Relay::read(relay)?;
            Ok(Self { session, relay })
        })
    }

    /// Locks the row unless somebody holds it. It is missing when the session was deleted, which has nothing to send.
    pub fn lock_if_free(admitted: Admitted, session: Uuid) -> Result<Locked<Self>> {
        Self::lock(admitted, session, Waiting::Skip)
    }

    pub fn wait_for(admitted: Admitted, session: Uuid) -> Result<Self> {
        match Self::lock(admitted, session, Waiting::Block)? {
            Locked::Held(relay) => Ok(relay),
            Locked::Taken | Locked::Missing => Err(Failure::Row("the session has no relay row")),
        }
    }

    /// The newest entry that a frame carries.
    pub fn flushed_seq(&self) -> i64 {
        self.relay.flushed_seq
    }

    /// Whether entries still wait for the end of a window that the governor has made longer.
    pub fn waits(&self) -> Result<bool> {
        Ok(self.relay.long_window_ends_at(clock::now()?).is_some())
    }

    /// Writes all entries that no frame carries yet; returns false when no partition takes them. Each frame is dated
    /// later than the one before, because Realtime replays them in the order of their times. Under pressure it is one
    /// frame, which names entries by their numbers where it cannot carry them.
    pub fn flush(self, admitted: Admitted, urgency: Urgency) -> Result<bool> {
        let session_text = json_text::uuid(self.session);
        let topic = format!("chat:{session_text}");
        let epoch = epoch(&epoch_salt(admitted)?);
        let payload_bytes = payload_bytes(admitted)?;
        let mut flushed_seq = self.relay.flushed_seq;
        let mut frames = 0;
        // Read after the lock, which orders the frames of a log.
        let mut at = clock::now()?;
        let server_time_json = format!("\"{}\"", json_text::time(at));
        let mut flushed_at = at;
        let is_complete = 'pages: loop {
            // Checked before anything is read: without a partition the unsent entries accumulate.
            if find_write_method(at)?.is_none() {
                break false;
            }
            let page = self.read_page(flushed_seq)?;
            let header = frame::Header {
                session_id: &session_text,
                epoch: &epoch,
                // Read after the entries, so no frame names a head below its own entries.
                head_seq: find_head(admitted, self.session)?
                    .ok_or(Failure::Row("the session has no head row"))?,
                server_time_json: &server_time_json,
                poll_ms: self.relay.poll_ms,
            };
            for (payload, to_seq) in self.payloads(&header, &page, payload_bytes) {
                let Some(method) = hold_write_method(at)? else {
                    break 'pages false;
                };
                broadcast::write(method, &topic, "messages", &payload, at)?;
                (flushed_seq, flushed_at) = (to_seq, at);
                frames += 1;
                at = clock::from_microseconds(at.into_inner().saturating_add(1))?;
            }
            if page.len() < PAGE {
                break true;
            }
        };
        if frames > 0 {
            RELAYS.update(admitted, &[self.session], |_| {
                // `flushed_at` is the time of the newest frame, and so none is later.
                let relay = self.relay;
                let changes = relay.after_frames(flushed_seq, flushed_at, frames, urgency);
                Ok(Some(((), changes)))
            })?;
        }
        Ok(is_complete)
    }

    /// The frames of a page, each with its last number.
    fn payloads(
        &self,
        header: &frame::Header<'_>,
        page: &[frame::Entry],
        payload_bytes: usize,
    ) -> Vec<(String, i64)> {
        let (Some(first), Some(last)) = (page.first(), page.last()) else {
            return Vec::new();
        };
        if self.relay.is_pressed() && page.len() == PAGE && last.seq < header.head_seq {
            let digest = frame::digest(header, first.seq, header.head_seq);
            return vec![(digest, header.head_seq)];
        }
        let runs: Vec<&[frame::Entry]> = match self.relay.is_pressed() {
            true => vec![page],
            false => frame::split(page, payload_bytes).collect(),
        };
        let payload = |entries: &[frame::Entry]| {
            let payload = frame::payload(header, entries, payload_bytes)?;
            Some((payload, entries.last()?.seq))
        };
        runs.into_iter().filter_map(payload).collect()
    }

    /// Reads the next entries beyond `flushed_seq`.
    fn read_page(&self, flushed_seq: i64) -> Result<Vec<frame::Entry>> {
        let arguments = [self.session.into(), flushed_seq.into()];
        let page = in_utc(|| spi::all(&UNFLUSHED, &arguments))?;
        let entry = |Unflushed { seq, json }| frame::Entry { seq, json };
        Ok(page.into_iter().map(entry).collect())
    }
}
