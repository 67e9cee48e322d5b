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
use crate::history::{message_json, uuid_text};
use crate::keyed::{Table, Values};
use crate::realtime::{self, Target, find_target};
use crate::spi::{self, column, statements};
use crate::ticker;

/// How long a frame collects, in microseconds; the same as in `is_due`.
const WINDOW_US: i64 = 50_000;

/// How many log entries UNFLUSHED reads at once; several frames may come of them.
const PAGE: usize = 500;

/// Whether relay row `r` may send now: the window since its last frame has passed (or lies ahead,
/// after the clock was set back), or nobody has ticked lately, so that nobody would send later.
macro_rules! is_due {
    () => {
        "(r.flushed_at not between clock_timestamp() - interval '50 milliseconds' and clock_timestamp()
             or not exists (
                 select from stream.ticker as t
                 where t.ticked_at between clock_timestamp() - interval '2 seconds'
                     and clock_timestamp() + interval '2 seconds'))"
    };
}

static RELAYS: Table = Table::new(c"chat_relay");

statements! {
    /// Leaves the tail to `tick`, unless it should go out now.
    NOTE_TAIL: Write [UUIDOID]
        concat!(
            "insert into stream.chat_tails (session_id)
             select r.session_id from stream.chat_relay as r
             where r.session_id = $1 and not ", is_due!()
        );

    NOTE_TAIL_ANYWAY: Write [UUIDOID]
        "insert into stream.chat_tails (session_id) values ($1)";

    /// The relay row's lock decides who writes the next frame.
    LOCK_RELAY: Write [UUIDOID]
        "select r.flushed_seq, c.epoch_salt, to_jsonb(clock_timestamp())::text
         from stream.chat_relay as r
         cross join stream.config as c
         where r.session_id = $1
         for no key update of r";

    LOCK_FREE_RELAY: Write [UUIDOID]
        "select r.flushed_seq, c.epoch_salt, to_jsonb(clock_timestamp())::text
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
             limit 500"
        );

    SET_FLUSHED: Write [UUIDOID, INT8OID]
        "update stream.chat_relay set flushed_seq = $2, flushed_at = clock_timestamp()
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
    let now = clock::now()?;
    let is_alone = !ticker::was_seen_lately(now)?;
    let is_due = |passed_us: i64| is_alone || !(0..=WINDOW_US).contains(&passed_us);
    if send_one(session, seq, json, epoch_salt, now, is_due)? {
        return Ok(());
    }
    relay(session)
}

/// The same for an entry that waits for no window. Nothing here depends on the transaction's snapshot.
pub fn relay_one_now(session: Uuid, seq: i64, json: String, epoch_salt: &str) -> Result<()> {
    if send_one(session, seq, json, epoch_salt, clock::now()?, |_| true)? {
        return Ok(());
    }
    flush_now(session)
}

/// Sends one entry as a frame of its own, unless others wait before it; `is_due` is asked with the time
/// since the last frame. Whether it was sent.
fn send_one(
    session: Uuid,
    seq: i64,
    json: String,
    epoch_salt: &str,
    now: TimestampWithTimeZone,
    is_due: impl FnOnce(i64) -> bool,
) -> Result<bool> {
    let Some(target) = find_target()? else {
        return Ok(false);
    };
    let taken = RELAYS.update(&[session], |relay| {
        let flushed_at: TimestampWithTimeZone = relay.column(c"flushed_at")?;
        let passed_us = now.into_inner().saturating_sub(flushed_at.into_inner());
        if relay.column::<i64>(c"flushed_seq")? != seq - 1 || !is_due(passed_us) {
            return Ok(None);
        }
        let changes: Values<2> = [(c"flushed_seq", seq.into()), (c"flushed_at", now.into())];
        Ok(Some(((), changes)))
    })?;
    if taken.is_none() {
        return Ok(false);
    }
    let session_text = uuid_text(session);
    let header = frame::Header {
        session_id: &session_text,
        epoch: &epoch(epoch_salt),
        head_seq: seq,
        server_time_json: &format!("\"{}\"", clock::json_text(now)),
    };
    let payload = frame::payload(&header, &[frame::Entry { seq, json }])
        .ok_or(Failure::Row("a frame of one entry is empty"))?;
    let topic = format!("chat:{session_text}");
    realtime::write(target, &topic, "messages", &payload)?;
    Ok(true)
}

/// After entries whose head row is still locked: sends them, or leaves them to `tick`.
pub fn relay(session: Uuid) -> Result<()> {
    if spi::execute(&NOTE_TAIL, &[session.into()])? == 1 {
        return Ok(());
    }
    flush_now(session)
}

/// Sends everything that no frame carries yet, once whoever sends at the moment is done. Above READ
/// COMMITTED it is left to whoever flushes next: entries that this transaction cannot see would be left
/// out, and its relay row may have changed.
pub fn flush_now(session: Uuid) -> Result<()> {
    let target = find_target()?.filter(|_| !caller::is_above_read_committed());
    let Some(target) = target else {
        return spi::execute(&NOTE_TAIL_ANYWAY, &[session.into()]).map(|_| ());
    };
    let relay = Relay::lock(&LOCK_RELAY, session)?;
    relay
        .ok_or(Failure::Row("the session has no relay row"))?
        .flush(target)
}

/// Sends the tails that writers left. A session that somebody else is sending for comes again.
pub fn flush_tails() -> Result<()> {
    let Some(target) = find_target()? else {
        return Ok(());
    };
    let sessions = spi::run(&TAKE_TAILS, &[], |rows| {
        rows.map(|row| column::<Uuid>(&row, 1))
            .collect::<Result<Vec<_>>>()
    })?;
    for session in sessions {
        match Relay::lock(&LOCK_FREE_RELAY, session)? {
            Some(relay) => relay.flush(target)?,
            None => {
                if spi::execute(&RELAY_IS_THERE, &[session.into()])? == 1 {
                    spi::execute(&NOTE_TAIL_ANYWAY, &[session.into()])?;
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
    server_time: String,
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
                server_time: column(row, 3)?,
            })
        })
    }

    fn flush(mut self, target: Target) -> Result<()> {
        let session_text = self.session.to_string();
        let topic = format!("chat:{session_text}");
        let before = self.flushed_seq;
        loop {
            let mut head_seq = 0;
            let arguments = [self.session.into(), self.flushed_seq.into()];
            let page = spi::run(&UNFLUSHED, &arguments, |rows| {
                rows.map(|row| {
                    head_seq = column(&row, 3)?;
                    Ok(frame::Entry {
                        seq: column(&row, 1)?,
                        json: column(&row, 2)?,
                    })
                })
                .collect::<Result<Vec<_>>>()
            })?;
            let header = frame::Header {
                session_id: &session_text,
                epoch: &self.epoch,
                head_seq,
                server_time_json: &self.server_time,
            };
            for entries in frame::split(&page) {
                if let Some(payload) = frame::payload(&header, entries) {
                    realtime::write(target, &topic, "messages", &payload)?;
                }
            }
            if let Some(last) = page.last() {
                self.flushed_seq = last.seq;
            }
            if page.len() < PAGE {
                break;
            }
        }
        if self.flushed_seq == before {
            return Ok(());
        }
        let arguments = [self.session.into(), self.flushed_seq.into()];
        spi::execute(&SET_FLUSHED, &arguments).map(|_| ())
    }
}
