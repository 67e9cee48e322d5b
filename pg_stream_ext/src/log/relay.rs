//! Relaying new entries: sending them in a frame at once, or leaving them to the ticker.
//!
//! Under the session's relay row a flush writes everything from the last frame to the newest committed entry, so order
//! and completeness never depend on which process flushes. A frame carries the entries of a window of time; for those
//! left at its end the session is queued for `tick`.
//!
//! Whenever nobody holds the relay row, a session with entries beyond the last frame is in the
//! [`relay_queue`]. So an entry is left to the ticker under that row only, and only the first entry beyond
//! the last frame has to queue the session.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use stream_core::frame;

use crate::clock;
use crate::log::epoch::epoch;
use crate::log::flush::LockedRelay;
use crate::log::relay_queue;
use crate::log::relay_row::{self, RELAYS};
use crate::log::ticker_liveness::is_ticker_alive;
use crate::postgres::caller::{self, Admitted};
use crate::postgres::error::{Failure, Result};
use crate::postgres::json_text;
use crate::postgres::keyed::{Locked, Row, Values, Waiting};
use crate::postgres::wait_budget::WaitBudget;
use crate::realtime::broadcast::{self, find_write_method, hold_write_method};

/// The length of the window in which a frame collects entries, in microseconds.
const WINDOW_US: i64 = 50_000;

/// Relays one entry, whose head row is still locked: sends it in a frame of its own when no other entry is unsent, or
/// leaves it to `tick`.
pub fn relay_one(
    admitted: Admitted,
    session: Uuid,
    seq: i64,
    json: String,
    epoch_salt: &str,
) -> Result<()> {
    let delivery = send_one(admitted, session, seq, json, epoch_salt, may_wait_for_tick)?;
    hand_over(admitted, session, seq, &delivery)
}

/// Relays one entry without waiting for the end of a window. Nothing here depends on the transaction's snapshot.
pub fn relay_one_now(
    admitted: Admitted,
    session: Uuid,
    seq: i64,
    json: String,
    epoch_salt: &str,
) -> Result<()> {
    let delivery = send_one(admitted, session, seq, json, epoch_salt, |_, _| Ok(false))?;
    hand_over(admitted, session, seq, &delivery)
}

/// Who sends the entries of this transaction.
enum Delivery {
    /// They are sent already.
    Sent,
    /// The ticker. They are the first that no frame carries, so the session has to be queued.
    ByTickerOnceQueued,
    /// The ticker. The session is in the queue because of entries before them.
    ByTicker,
    /// This transaction, with entries of others that wait before them.
    ByFlush,
}

impl Delivery {
    /// Decides who sends entries that did not get a frame of their own.
    fn of_unsent(waits: bool, is_next: bool) -> Self {
        match (waits, is_next) {
            (true, true) => Self::ByTickerOnceQueued,
            (true, false) => Self::ByTicker,
            (false, _) => Self::ByFlush,
        }
    }
}

fn hand_over(admitted: Admitted, session: Uuid, first_seq: i64, delivery: &Delivery) -> Result<()> {
    match delivery {
        Delivery::Sent | Delivery::ByTicker => Ok(()),
        Delivery::ByTickerOnceQueued => relay_queue::note(session),
        Delivery::ByFlush => flush_with_others(admitted, session, first_seq),
    }
}

/// Sends one entry as a frame of its own, unless it may wait or others wait before it.
fn send_one(
    admitted: Admitted,
    session: Uuid,
    seq: i64,
    json: String,
    epoch_salt: &str,
    may_wait: impl Fn(&Row, TimestampWithTimeZone) -> Result<bool>,
) -> Result<Delivery> {
    let mut delivery = Delivery::ByFlush;
    let sent = RELAYS.update(admitted, &[session], |relay| {
        // The clock is read after the lock: a frame that was waited for opens a window of its own.
        let now = clock::now()?;
        let is_next = is_next(relay, seq)?;
        let waits = may_wait(relay, now)? || find_write_method(now)?.is_none();
        delivery = Delivery::of_unsent(waits, is_next);
        if waits || !is_next {
            return Ok(None);
        }
        let changes: Values<2> = [(c"flushed_seq", seq.into()), (c"flushed_at", now.into())];
        Ok(Some((now, changes)))
    })?;
    let Some(sent_at) = sent else {
        return Ok(delivery);
    };
    // Realtime's table is not locked while the relay row is waited for, so its partition may be gone by now.
    let Some(method) = hold_write_method(sent_at)? else {
        RELAYS.update(admitted, &[session], |_| {
            let changes: Values<1> = [(c"flushed_seq", (seq - 1).into())];
            Ok(Some(((), changes)))
        })?;
        return Ok(Delivery::ByTickerOnceQueued);
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
    broadcast::write(method, &topic, "messages", &payload, sent_at)?;
    Ok(Delivery::Sent)
}

/// When entries that are about to be written are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// With the transaction.
    Now,
    /// The ticker sends them.
    ByTick,
}

/// Locks the relay row before entries are written whose head row is already locked; returns whether they may wait
/// for the ticker.
pub fn prepare(
    admitted: Admitted,
    session: Uuid,
    budget: &mut WaitBudget,
) -> Result<Locked<Sending>> {
    lock(admitted, session, budget, |relay| {
        Ok(match may_wait_for_tick(relay, clock::now()?)? {
            true => Sending::ByTick,
            false => Sending::Now,
        })
    })
}

/// Locks the relay row as long as the budget lasts; returns whether it is locked.
pub fn hold(admitted: Admitted, session: Uuid, budget: &mut WaitBudget) -> Result<bool> {
    Ok(matches!(
        lock(admitted, session, budget, |_| Ok(()))?,
        Locked::Held(())
    ))
}

fn lock<T>(
    admitted: Admitted,
    session: Uuid,
    budget: &mut WaitBudget,
    read: impl Fn(&Row) -> Result<T>,
) -> Result<Locked<T>> {
    budget.lock(|| relay_row::lock(admitted, session, Waiting::Skip, &read))
}

/// Relays the entries from `first_seq` on, as `prepare` decided: sends them, or leaves them to `tick`.
pub fn relay(admitted: Admitted, session: Uuid, sending: Sending, first_seq: i64) -> Result<()> {
    relay_unless(admitted, session, sending == Sending::ByTick, first_seq)
}

/// Relays entries, whose head row is still locked, without waiting for the end of a window.
pub fn relay_now(admitted: Admitted, session: Uuid, first_seq: i64) -> Result<()> {
    relay_unless(admitted, session, false, first_seq)
}

fn relay_unless(admitted: Admitted, session: Uuid, may_wait: bool, first_seq: i64) -> Result<()> {
    let mut delivery = Delivery::ByFlush;
    relay_row::lock(admitted, session, Waiting::Block, |relay| {
        let waits = may_wait || find_write_method(clock::now()?)?.is_none();
        delivery = Delivery::of_unsent(waits, is_next(relay, first_seq)?);
        Ok(())
    })?;
    hand_over(admitted, session, first_seq, &delivery)
}

/// Whether all entries before this one are sent.
fn is_next(relay: &Row, seq: i64) -> Result<bool> {
    Ok(relay.column::<i64>(c"flushed_seq")? >= seq - 1)
}

/// Whether the window of the last frame is still open and a ticker is alive that will send the entry. A frame dated
/// ahead of the clock is from before the clock was set back.
fn may_wait_for_tick(relay: &Row, now: TimestampWithTimeZone) -> Result<bool> {
    let flushed_at: TimestampWithTimeZone = relay.column(c"flushed_at")?;
    let passed_us = now.into_inner().saturating_sub(flushed_at.into_inner());
    Ok((0..=WINDOW_US).contains(&passed_us) && is_ticker_alive(now)?)
}

/// Sends all unsent entries, of which `first_seq` is the first of this transaction. Above READ COMMITTED they are left
/// to the next flush, because this transaction may not see the entries before its own. It queues the session itself: it
/// cannot see whether these have.
fn flush_with_others(admitted: Admitted, session: Uuid, first_seq: i64) -> Result<()> {
    if caller::is_above_read_committed() {
        return relay_queue::note(session);
    }
    let relay = LockedRelay::wait_for(admitted, session)?;
    let is_next = relay.flushed_seq >= first_seq - 1;
    // Meanwhile the partition may be dropped, or the day may end.
    if !relay.flush(admitted)? && is_next {
        relay_queue::note(session)?;
    }
    Ok(())
}
