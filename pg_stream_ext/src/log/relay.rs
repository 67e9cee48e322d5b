//! Writing the frames of a session's log.
//!
//! One way only: under the session's relay row a flush writes everything from the last frame to the
//! newest committed entry, so order and completeness never depend on who flushes. A frame carries
//! what came in a window; what is left at its end is noted for `tick`.
//!
//! Whenever nobody holds the relay row, a session with entries beyond the last frame is in the queue of
//! [`crate::log::relay_queue`]. So whoever leaves an entry to the ticker does it under that row, and only the first
//! entry beyond the last frame needs a note.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::frame;

use crate::chat::history::message_json;
use crate::chat::settings::epoch_salt;
use crate::clock;
use crate::log::epoch::epoch;
use crate::log::relay_queue;
use crate::postgres::caller;
use crate::postgres::error::{Failure, Result, answer, required};
use crate::postgres::json_text;
use crate::postgres::keyed::{Locked, Row, Table, Values, Waiting};
use crate::postgres::spi::{self, column, statements};
use crate::postgres::utc::in_utc;
use crate::postgres::wait_budget::Patience;
use crate::realtime::broadcast::{self, find_target, hold_target};
use crate::regular::ticker;

/// How long a frame collects, in microseconds.
const WINDOW_US: i64 = 50_000;

/// How many log entries UNFLUSHED reads at once; several frames may come of them.
macro_rules! page {
    () => {
        500
    };
}
const PAGE: usize = page!();

static HEADS: Table = Table::new(c"chat_heads");
static RELAYS: Table = Table::new(c"chat_relay");

/// As an update of the row takes it.
const LOCK_MODE: pg_sys::LockTupleMode::Type = pg_sys::LockTupleMode::LockTupleNoKeyExclusive;

statements! {
    UNFLUSHED: Write [UUIDOID, INT8OID]
        concat!(
            "select m.seq, ", message_json!(), "::text
             from stream.chat_messages as m
             where m.session_id = $1 and m.seq > $2
             order by m.seq
             limit ", page!()
        );
}

/// Writes what the session's log has beyond the last frame. Without a partition for today it
/// leaves everything for later: the messages stay, and `sync` finds them.
#[pg_extern]
fn flush(session_id: Option<Uuid>) {
    answer(caller::enter_as_owner().and_then(|()| flush_all(required(session_id, "session_id")?)))
}

fn flush_all(session: Uuid) -> Result<()> {
    Relay::wait_for(session)?.flush().map(|_| ())
}

/// After one entry, whose head row is still locked: sends it as the usual frame, with nothing else
/// waiting, or leaves it to `tick`.
pub fn relay_one(session: Uuid, seq: i64, json: String, epoch_salt: &str) -> Result<()> {
    proceed(
        session,
        seq,
        send_one(session, seq, json, epoch_salt, may_wait_for_tick)?,
    )
}

/// The same for an entry that waits for no window. Nothing here depends on the transaction's snapshot.
pub fn relay_one_now(session: Uuid, seq: i64, json: String, epoch_salt: &str) -> Result<()> {
    proceed(
        session,
        seq,
        send_one(session, seq, json, epoch_salt, |_, _| Ok(false))?,
    )
}

/// What became of an entry that was to be sent by itself.
enum Attempt {
    Sent,
    /// The ticker sends it; it is the first that no frame carries.
    Left,
    /// The ticker sends it with those before it.
    LeftBehind,
    /// It goes out with those that wait before it.
    Behind,
}

impl Attempt {
    /// Of an entry that was not sent by itself.
    fn unsent(waits: bool, is_next: bool) -> Self {
        match (waits, is_next) {
            (true, true) => Self::Left,
            (true, false) => Self::LeftBehind,
            (false, _) => Self::Behind,
        }
    }
}

fn proceed(session: Uuid, first_seq: i64, attempt: Attempt) -> Result<()> {
    match attempt {
        Attempt::Sent | Attempt::LeftBehind => Ok(()),
        Attempt::Left => relay_queue::note(session),
        Attempt::Behind => flush_with_others(session, first_seq),
    }
}

/// Sends one entry as a frame of its own, unless it may wait or others wait before it.
fn send_one(
    session: Uuid,
    seq: i64,
    json: String,
    epoch_salt: &str,
    may_wait: impl Fn(&Row, TimestampWithTimeZone) -> Result<bool>,
) -> Result<Attempt> {
    let mut attempt = Attempt::Behind;
    let sent = RELAYS.update(&[session], |relay| {
        // Not before the lock: a frame that was waited for opens a window of its own. An entry that does not go
        // out at once is judged twice, the second time under the lock, which alone counts.
        let now = clock::now()?;
        let is_next = is_next(relay, seq)?;
        let waits = may_wait(relay, now)? || find_target(now)?.is_none();
        attempt = Attempt::unsent(waits, is_next);
        if waits || !is_next {
            return Ok(None);
        }
        let changes: Values<2> = [(c"flushed_seq", seq.into()), (c"flushed_at", now.into())];
        Ok(Some((now, changes)))
    })?;
    let Some(sent_at) = sent else {
        return Ok(attempt);
    };
    // Realtime's table is not held while the relay row is waited for. Its partition may have gone since.
    let Some(target) = hold_target(sent_at)? else {
        RELAYS.update(&[session], |_| {
            let changes: Values<1> = [(c"flushed_seq", (seq - 1).into())];
            Ok(Some(((), changes)))
        })?;
        return Ok(Attempt::Left);
    };
    let session_text = json_text::uuid(session);
    let header = frame::Header {
        session_id: &session_text,
        epoch: &epoch(epoch_salt),
        head_seq: seq,
        server_time_json: &format!("\"{}\"", json_text::time(sent_at)),
    };
    let payload = frame::payload(&header, &[frame::Entry { seq, json }])
        .ok_or(Failure::Row("a frame of one entry is empty"))?;
    let topic = format!("chat:{session_text}");
    broadcast::write(target, &topic, "messages", &payload, sent_at)?;
    Ok(Attempt::Sent)
}

/// How entries go out that are written in a moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// With the transaction.
    Now,
    /// The ticker sends them.
    ByTick,
}

/// Before entries whose head row is locked already: locks the relay row, which says whether they may wait for
/// the ticker.
pub fn prepare(session: Uuid, patience: &mut Patience) -> Result<Locked<Sending>> {
    lock(session, patience, |relay| {
        Ok(match may_wait_for_tick(relay, clock::now()?)? {
            true => Sending::ByTick,
            false => Sending::Now,
        })
    })
}

/// Returns whether the relay row is held.
pub fn hold(session: Uuid, patience: &mut Patience) -> Result<bool> {
    Ok(matches!(
        lock(session, patience, |_| Ok(()))?,
        Locked::Held(())
    ))
}

fn lock<T>(
    session: Uuid,
    patience: &mut Patience,
    read: impl Fn(&Row) -> Result<T>,
) -> Result<Locked<T>> {
    patience.lock(|| RELAYS.lock(&[session], LOCK_MODE, Waiting::Skip, &read))
}

/// After the entries from `first_seq` on that `prepare` was asked for: sends them, or leaves them to `tick`.
pub fn relay(session: Uuid, sending: Sending, first_seq: i64) -> Result<()> {
    relay_unless(session, sending == Sending::ByTick, first_seq)
}

/// After entries that wait for no window, whose head row is still locked.
pub fn relay_now(session: Uuid, first_seq: i64) -> Result<()> {
    relay_unless(session, false, first_seq)
}

fn relay_unless(session: Uuid, may_wait: bool, first_seq: i64) -> Result<()> {
    let mut attempt = Attempt::Behind;
    RELAYS.lock(&[session], LOCK_MODE, Waiting::Block, |relay| {
        let waits = may_wait || find_target(clock::now()?)?.is_none();
        attempt = Attempt::unsent(waits, is_next(relay, first_seq)?);
        Ok(())
    })?;
    proceed(session, first_seq, attempt)
}

/// Whether no entry before this one waits to be sent.
fn is_next(relay: &Row, seq: i64) -> Result<bool> {
    Ok(relay.column::<i64>(c"flushed_seq")? >= seq - 1)
}

/// Whether the last frame still collects, and somebody will send what comes in. A frame that lies
/// ahead is from before the clock was set back.
fn may_wait_for_tick(relay: &Row, now: TimestampWithTimeZone) -> Result<bool> {
    let flushed_at: TimestampWithTimeZone = relay.column(c"flushed_at")?;
    let passed_us = now.into_inner().saturating_sub(flushed_at.into_inner());
    Ok((0..=WINDOW_US).contains(&passed_us) && ticker::was_seen_lately(now)?)
}

/// Sends everything that no frame carries yet, of which `first_seq` is the first of this transaction. Above
/// READ COMMITTED it is left to whoever flushes next: entries that this transaction cannot see would be left
/// out. Those have put the session into the queue.
fn flush_with_others(session: Uuid, first_seq: i64) -> Result<()> {
    if caller::is_above_read_committed() {
        return Ok(());
    }
    let relay = Relay::wait_for(session)?;
    let is_next = relay.flushed_seq >= first_seq - 1;
    // The partition may go, or the day end, meanwhile.
    if !relay.flush()? && is_next {
        relay_queue::note(session)?;
    }
    Ok(())
}

/// Of a session that is gone nothing is left to send.
pub fn lock_if_free(session: Uuid) -> Result<Locked<Relay>> {
    Relay::lock(session, Waiting::Skip)
}

/// Whether entries up to `head_seq` are beyond the last frame. Sees what is committed by now.
pub fn is_behind(session: Uuid, head_seq: i64) -> Result<bool> {
    let flushed = RELAYS.find(&[session], |relay| {
        relay.column::<i64>(c"flushed_seq").map(Some)
    })?;
    Ok(flushed.is_some_and(|flushed| flushed < head_seq))
}

/// A relay row, locked: until the transaction ends nobody else's entry is committed to the log, so what is
/// read from it one after the other belongs together.
pub struct Relay {
    session: Uuid,
    flushed_seq: i64,
}

impl Relay {
    fn lock(session: Uuid, waiting: Waiting) -> Result<Locked<Self>> {
        RELAYS.lock(&[session], LOCK_MODE, waiting, |relay| {
            Ok(Self {
                session,
                flushed_seq: relay.column(c"flushed_seq")?,
            })
        })
    }

    fn wait_for(session: Uuid) -> Result<Self> {
        match Self::lock(session, Waiting::Block)? {
            Locked::Held(relay) => Ok(relay),
            Locked::Taken | Locked::Missing => Err(Failure::Row("the session has no relay row")),
        }
    }

    /// Sends everything that no frame carries yet; false: no partition takes it. Each frame is later than
    /// the one before: Realtime replays them in the order of their times.
    pub fn flush(mut self) -> Result<bool> {
        let session_text = json_text::uuid(self.session);
        let topic = format!("chat:{session_text}");
        let epoch = epoch(&epoch_salt()?);
        let before = self.flushed_seq;
        // Not before the lock, which orders the frames of a log.
        let mut at = clock::now()?;
        let server_time_json = format!("\"{}\"", json_text::time(at));
        let mut flushed_at = at;
        let is_complete = 'pages: loop {
            // Before anything is read: without a partition more and more waits.
            if find_target(at)?.is_none() {
                break false;
            }
            let page = self.read_page()?;
            let header = frame::Header {
                session_id: &session_text,
                epoch: &epoch,
                // After the entries, so that no frame names a head below its own.
                head_seq: find_head(self.session)?
                    .ok_or(Failure::Row("the session has no head row"))?,
                server_time_json: &server_time_json,
            };
            for entries in frame::split(&page) {
                let Some(payload) = frame::payload(&header, entries) else {
                    continue;
                };
                let Some(target) = hold_target(at)? else {
                    break 'pages false;
                };
                broadcast::write(target, &topic, "messages", &payload, at)?;
                self.flushed_seq = entries.last().map_or(self.flushed_seq, |last| last.seq);
                flushed_at = at;
                at = clock::from_microseconds(at.into_inner().saturating_add(1))?;
            }
            if page.len() < PAGE {
                break true;
            }
        };
        if self.flushed_seq != before {
            RELAYS.update(&[self.session], |_| {
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

    /// Entries behind the last frame.
    fn read_page(&self) -> Result<Vec<frame::Entry>> {
        let arguments = [self.session.into(), self.flushed_seq.into()];
        in_utc(|| {
            spi::run(&UNFLUSHED, &arguments, |rows| {
                rows.map(|row| {
                    Ok(frame::Entry {
                        seq: column(&row, 1)?,
                        json: column(&row, 2)?,
                    })
                })
                .collect()
            })
        })
    }
}

/// The newest number of a session's log, as committed by now.
pub fn find_head(session: Uuid) -> Result<Option<i64>> {
    HEADS.find(&[session], |head| head.column(c"last_seq").map(Some))
}
