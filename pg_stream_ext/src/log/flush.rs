//! Flushing a log: writing all entries beyond the last frame as frames, under the session's relay row.

use pgrx::datum::Uuid;
use pgrx::prelude::*;
use stream_core::frame;

use crate::clock;
use crate::log::entry::find_head;
use crate::log::epoch::{epoch, epoch_salt};
use crate::log::message::message_json;
use crate::log::relay_row::{self, RELAYS};
use crate::postgres::caller::{self, Admitted};
use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::postgres::json_text;
use crate::postgres::keyed::{Locked, Values, Waiting};
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
        .flush(admitted)
        .map(|_| ())
}

/// A locked relay row. Until the transaction ends no other transaction commits an entry to the log, so consecutive reads
/// of it are consistent.
pub struct LockedRelay {
    session: Uuid,
    /// The newest entry that a frame carries.
    pub flushed_seq: i64,
}

impl LockedRelay {
    fn lock(admitted: Admitted, session: Uuid, waiting: Waiting) -> Result<Locked<Self>> {
        relay_row::lock(admitted, session, waiting, |relay| {
            Ok(Self {
                session,
                flushed_seq: relay.column(c"flushed_seq")?,
            })
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

    /// Writes all entries that no frame carries yet; returns false when no partition takes them. Each frame is dated
    /// later than the one before, because Realtime replays them in the order of their times.
    pub fn flush(mut self, admitted: Admitted) -> Result<bool> {
        let session_text = json_text::uuid(self.session);
        let topic = format!("chat:{session_text}");
        let epoch = epoch(&epoch_salt(admitted)?);
        let before = self.flushed_seq;
        // Read after the lock, which orders the frames of a log.
        let mut at = clock::now()?;
        let server_time_json = format!("\"{}\"", json_text::time(at));
        let mut flushed_at = at;
        let is_complete = 'pages: loop {
            // Checked before anything is read: without a partition the unsent entries accumulate.
            if find_write_method(at)?.is_none() {
                break false;
            }
            let page = self.read_page()?;
            let header = frame::Header {
                session_id: &session_text,
                epoch: &epoch,
                // Read after the entries, so no frame names a head below its own entries.
                head_seq: find_head(admitted, self.session)?
                    .ok_or(Failure::Row("the session has no head row"))?,
                server_time_json: &server_time_json,
            };
            for entries in frame::split(&page) {
                let Some(payload) = frame::payload(&header, entries) else {
                    continue;
                };
                let Some(method) = hold_write_method(at)? else {
                    break 'pages false;
                };
                broadcast::write(method, &topic, "messages", &payload, at)?;
                self.flushed_seq = entries.last().map_or(self.flushed_seq, |last| last.seq);
                flushed_at = at;
                at = clock::from_microseconds(at.into_inner().saturating_add(1))?;
            }
            if page.len() < PAGE {
                break true;
            }
        };
        if self.flushed_seq != before {
            RELAYS.update(admitted, &[self.session], |_| {
                // `flushed_at` is the time of the newest frame, and so none is later.
                let changes: Values<2> = [
                    (c"flushed_seq", self.flushed_seq.into()),
                    (c"flushed_at", flushed_at.into()),
                ];
                Ok(Some(((), changes)))
            })?;
        }
        Ok(is_complete)
    }

    /// Reads the next entries beyond the last frame.
    fn read_page(&self) -> Result<Vec<frame::Entry>> {
        let arguments = [self.session.into(), self.flushed_seq.into()];
        let page = in_utc(|| spi::all(&UNFLUSHED, &arguments))?;
        let entry = |Unflushed { seq, json }| frame::Entry { seq, json };
        Ok(page.into_iter().map(entry).collect())
    }
}
