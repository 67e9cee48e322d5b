//! When does a frame of a session's log go out, and what does it carry?
//!
//! One way only: under the session's relay row a flush writes everything from the last frame to the
//! newest committed entry, so order and completeness never depend on who flushes. A frame carries
//! what came in a window; what is left at its end is noted for `tick`.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::frame;

use crate::caller;
use crate::clock;
use crate::epoch::epoch;
use crate::error::{Failure, Result, answer, required};
use crate::history::message_json;
use crate::json_text;
use crate::keyed::{Locked, Row, Table, Values, Waiting};
use crate::patience::Patience;
use crate::realtime::{self, find_target, hold_target};
use crate::spi::{self, column, statements};
use crate::ticker;
use crate::utc::in_utc;

/// How long a frame collects, in microseconds.
const WINDOW_US: i64 = 50_000;

/// How many log entries UNFLUSHED reads at once; several frames may come of them.
macro_rules! page {
    () => {
        500
    };
}
const PAGE: usize = page!();

static RELAYS: Table = Table::new(c"chat_relay");

statements! {
    NOTE_TAIL: Write [UUIDOID]
        "insert into stream.chat_tails (session_id) values ($1)";

    /// The relay row's lock decides who writes the next frame.
    LOCK_RELAY: Write [UUIDOID]
        "select r.flushed_seq, c.epoch_salt
         from stream.chat_relay as r
         cross join stream.config as c
         where r.session_id = $1
         for no key update of r";

    LOCK_FREE_RELAY: Write [UUIDOID]
        "select r.flushed_seq, c.epoch_salt
         from stream.chat_relay as r
         cross join stream.config as c
         where r.session_id = $1
         for no key update of r skip locked";

    /// With the head of the same snapshot: no frame names a head below its own entries.
    UNFLUSHED: Write [UUIDOID, INT8OID]
        concat!(
            "select m.seq, ", message_json!(), "::text, h.last_seq
             from stream.chat_messages as m
             join stream.chat_heads as h on h.session_id = m.session_id
             where m.session_id = $1 and m.seq > $2
             order by m.seq
             limit ", page!()
        );

    /// `flushed_at` is the time of the newest frame, and so none is later.
    SET_FLUSHED: Write [UUIDOID, INT8OID, TIMESTAMPTZOID]
        "update stream.chat_relay set flushed_seq = $2, flushed_at = $3
         where session_id = $1";

    TAKE_TAILS: Write []
        "with taken as (
             delete from stream.chat_tails as d where d.id in (
                 select e.id from stream.chat_tails as e
                 order by e.id limit 5000 for update skip locked)
             returning d.session_id
         )
         select distinct t.session_id from taken as t order by t.session_id";

    RELAY_IS_THERE: Write [UUIDOID]
        "select true from stream.chat_relay as r where r.session_id = $1";
}

/// Writes what the session's log has beyond the last frame. Without a partition for today it
/// leaves everything for later: the messages stay, and `sync` finds them.
#[pg_extern]
fn flush(session_id: Option<Uuid>) {
    answer(caller::enter_as_owner().and_then(|()| flush_now(required(session_id, "session_id")?)))
}

/// After one entry, whose head row is still locked: sends it as the usual frame, with nothing else
/// waiting, or leaves it to `tick`.
pub fn relay_one(session: Uuid, seq: i64, json: String, epoch_salt: &str) -> Result<()> {
    proceed(
        session,
        send_one(session, seq, json, epoch_salt, may_wait_for_tick)?,
    )
}

/// The same for an entry that waits for no window. Nothing here depends on the transaction's snapshot.
pub fn relay_one_now(session: Uuid, seq: i64, json: String, epoch_salt: &str) -> Result<()> {
    proceed(
        session,
        send_one(session, seq, json, epoch_salt, |_, _| Ok(false))?,
    )
}

/// What became of an entry that was to be sent by itself.
enum Attempt {
    Sent,
    /// The ticker sends it.
    Waiting,
    /// Others wait before it.
    Behind,
}

fn proceed(session: Uuid, attempt: Attempt) -> Result<()> {
    match attempt {
        Attempt::Sent => Ok(()),
        Attempt::Waiting => leave_to_tick(session),
        Attempt::Behind => flush_now(session),
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
        // Not before the lock: a frame that was waited for opens a window of its own.
        let now = clock::now()?;
        attempt = if may_wait(relay, now)? {
            Attempt::Waiting
        } else {
            Attempt::Behind
        };
        let is_next = relay.column::<i64>(c"flushed_seq")? == seq - 1;
        if matches!(attempt, Attempt::Waiting) || !is_next {
            return Ok(None);
        }
        if find_target(now)?.is_none() {
            attempt = Attempt::Waiting;
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
        return Ok(Attempt::Waiting);
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
    realtime::write(target, &topic, "messages", &payload, sent_at)?;
    Ok(Attempt::Sent)
}

/// How entries go out that are written in a moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// With the transaction; the relay row is held.
    Now,
    /// The ticker sends them.
    ByTick,
}

/// Before entries whose head row is locked already: whether they may wait for the ticker, and the
/// relay row if not.
pub fn prepare(session: Uuid, patience: &mut Patience) -> Result<Locked<Sending>> {
    let now = clock::now()?;
    let may_wait = RELAYS.find(&[session], |relay| may_wait_for_tick(relay, now).map(Some))?;
    if may_wait == Some(true) {
        return Ok(Locked::Held(Sending::ByTick));
    }
    lock(session, patience)
}

/// Returns whether the relay row is held.
pub fn hold(session: Uuid, patience: &mut Patience) -> Result<bool> {
    Ok(matches!(lock(session, patience)?, Locked::Held(_)))
}

fn lock(session: Uuid, patience: &mut Patience) -> Result<Locked<Sending>> {
    let mode = pg_sys::LockTupleMode::LockTupleNoKeyExclusive;
    patience.lock(|| RELAYS.lock(&[session], mode, Waiting::Skip, |_| Ok(Sending::Now)))
}

/// After the entries that `prepare` was asked for.
pub fn relay(session: Uuid, sending: Sending) -> Result<()> {
    match sending {
        Sending::Now => flush_now(session),
        Sending::ByTick => leave_to_tick(session),
    }
}

/// Whether the last frame still collects, and somebody will send what comes in. A frame that lies
/// ahead is from before the clock was set back.
fn may_wait_for_tick(relay: &Row, now: TimestampWithTimeZone) -> Result<bool> {
    let flushed_at: TimestampWithTimeZone = relay.column(c"flushed_at")?;
    let passed_us = now.into_inner().saturating_sub(flushed_at.into_inner());
    Ok((0..=WINDOW_US).contains(&passed_us) && ticker::was_seen_lately(now)?)
}

fn leave_to_tick(session: Uuid) -> Result<()> {
    spi::execute(&NOTE_TAIL, &[session.into()]).map(|_| ())
}

/// Sends everything that no frame carries yet, once whoever sends at the moment is done. Above READ
/// COMMITTED it is left to whoever flushes next: entries that this transaction cannot see would be left
/// out, and its relay row may have changed.
pub fn flush_now(session: Uuid) -> Result<()> {
    if caller::is_above_read_committed() {
        return leave_to_tick(session);
    }
    let relay = Relay::lock(&LOCK_RELAY, session)?;
    relay
        .ok_or(Failure::Row("the session has no relay row"))?
        .flush()
}

/// Sends the tails that writers left. A session that somebody else is sending for comes again.
pub fn flush_tails() -> Result<()> {
    if find_target(clock::now()?)?.is_none() {
        return Ok(());
    }
    let sessions = spi::run(&TAKE_TAILS, &[], |rows| {
        rows.map(|row| column::<Uuid>(&row, 1))
            .collect::<Result<Vec<_>>>()
    })?;
    for session in sessions {
        match Relay::lock(&LOCK_FREE_RELAY, session)? {
            Some(relay) => relay.flush()?,
            None => {
                if spi::execute(&RELAY_IS_THERE, &[session.into()])? == 1 {
                    leave_to_tick(session)?;
                }
            }
        }
    }
    Ok(())
}

/// A relay row, locked.
struct Relay {
    session: Uuid,
    flushed_seq: i64,
    epoch: String,
}

impl Relay {
    fn lock(
        statement: &'static std::thread::LocalKey<spi::Statement>,
        session: Uuid,
    ) -> Result<Option<Self>> {
        spi::first(statement, &[session.into()], |row| {
            Ok(Self {
                session,
                flushed_seq: column(row, 1)?,
                epoch: epoch(&column::<String>(row, 2)?),
            })
        })
    }

    /// What no partition takes is left to `tick`. Each frame is later than the one before: Realtime
    /// replays them in the order of their times.
    fn flush(mut self) -> Result<()> {
        let session_text = json_text::uuid(self.session);
        let topic = format!("chat:{session_text}");
        let before = self.flushed_seq;
        // Not before the lock, which orders the frames of a log.
        let mut at = clock::now()?;
        let server_time_json = format!("\"{}\"", json_text::time(at));
        let mut flushed_at = at;
        let is_complete = 'pages: loop {
            let (page, head_seq) = self.read_page()?;
            let header = frame::Header {
                session_id: &session_text,
                epoch: &self.epoch,
                head_seq,
                server_time_json: &server_time_json,
            };
            for entries in frame::split(&page) {
                let Some(payload) = frame::payload(&header, entries) else {
                    continue;
                };
                let Some(target) = hold_target(at)? else {
                    break 'pages false;
                };
                realtime::write(target, &topic, "messages", &payload, at)?;
                self.flushed_seq = entries.last().map_or(self.flushed_seq, |last| last.seq);
                flushed_at = at;
                at = clock::from_microseconds(at.into_inner().saturating_add(1))?;
            }
            if page.len() < PAGE {
                break true;
            }
        };
        if self.flushed_seq != before {
            let arguments = [
                self.session.into(),
                self.flushed_seq.into(),
                flushed_at.into(),
            ];
            spi::execute(&SET_FLUSHED, &arguments)?;
        }
        if is_complete {
            Ok(())
        } else {
            leave_to_tick(self.session)
        }
    }

    /// Entries behind the last frame, and the newest number of the log.
    fn read_page(&self) -> Result<(Vec<frame::Entry>, i64)> {
        let mut head_seq = 0;
        let arguments = [self.session.into(), self.flushed_seq.into()];
        let page = in_utc(|| {
            spi::run(&UNFLUSHED, &arguments, |rows| {
                rows.map(|row| {
                    head_seq = column(&row, 3)?;
                    Ok(frame::Entry {
                        seq: column(&row, 1)?,
                        json: column(&row, 2)?,
                    })
                })
                .collect::<Result<Vec<_>>>()
            })
        })?;
        Ok((page, head_seq))
    }
}
