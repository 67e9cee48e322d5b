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
use crate::log::epoch::payload_bytes;
use crate::log::flush::LockedRelay;
use crate::log::relay_queue;
use crate::log::relay_row::{self, RELAYS, Relay, Urgency};
use crate::log::ticker_liveness::is_ticker_alive;
use crate::postgres::caller::{self, Admitted};
use crate::postgres::error::{Failure, Result};
use crate::postgres::json_text;
use crate::postgres::keyed::{Locked, Row, Waiting};
use crate::postgres::wait_budget::WaitBudget;
use crate::realtime::broadcast::{self, find_write_method, hold_write_method};

/// Entries up to this size are admitted by every limit that can be configured, whatever they consist of.
const SMALL_BYTES: usize = frame::LEAST_PAYLOAD_BYTES / 4;

/// Relays one entry, whose head row is still locked: sends it in a frame of its own when no other entry is unsent, or
/// leaves it to `tick`.
pub fn relay_one(
    admitted: Admitted,
    session: Uuid,
    seq: i64,
    json: String,
    epoch_salt: &str,
) -> Result<()> {
    let delivery = send_one(admitted, session, seq, json, epoch_salt, Urgency::Chat)?;
    hand_over(admitted, session, seq, &delivery, Urgency::Chat)
}

/// Relays an auction update: at once without a limit, and otherwise when the window of auction updates after the last frame
/// has passed.
/// Nothing here depends on the transaction's snapshot.
pub fn relay_auction_update(
    admitted: Admitted,
    session: Uuid,
    seq: i64,
    json: String,
    epoch_salt: &str,
) -> Result<()> {
    let delivery = send_one(admitted, session, seq, json, epoch_salt, Urgency::Auction)?;
    hand_over(admitted, session, seq, &delivery, Urgency::Chat)
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

fn hand_over(
    admitted: Admitted,
    session: Uuid,
    first_seq: i64,
    delivery: &Delivery,
    urgency: Urgency,
) -> Result<()> {
    match delivery {
        Delivery::Sent | Delivery::ByTicker => Ok(()),
        Delivery::ByTickerOnceQueued => relay_queue::note(session),
        Delivery::ByFlush => flush_with_others(admitted, session, first_seq, urgency),
    }
}

/// Sends one entry as a frame of its own, unless it may wait or others wait before it.
fn send_one(
    admitted: Admitted,
    session: Uuid,
    seq: i64,
    json: String,
    epoch_salt: &str,
    urgency: Urgency,
) -> Result<Delivery> {
    let mut delivery = Delivery::ByFlush;
    let sent = RELAYS.update(admitted, &[session], |row| {
        // The clock is read after the lock: a frame that was waited for opens a window of its own.
        let now = clock::now()?;
        let relay = Relay::read(row)?;
        let is_next = relay.flushed_seq >= seq - 1;
        let has_window = match urgency {
            Urgency::Chat => may_wait_for_tick(&relay, now)?,
            Urgency::Auction => may_auction_wait(&relay, now)?,
            Urgency::Urgent => false,
        };
        let waits = has_window || find_write_method(now)?.is_none();
        delivery = Delivery::of_unsent(waits, is_next);
        if has_window && urgency == Urgency::Auction {
            let changes = relay.fit_to_auction(is_next);
            return Ok(changes.map(|changes| (None, changes)));
        }
        if waits || !is_next {
            return Ok(None);
        }
        let changes = relay.after_frames(seq, now, 1, urgency);
        Ok(Some((Some((now, relay)), changes)))
    })?;
    let Some((sent_at, relay)) = sent.flatten() else {
        return Ok(delivery);
    };
    // Realtime's table is not locked while the relay row is waited for, so its partition may be gone by now.
    let Some(method) = hold_write_method(sent_at)? else {
        RELAYS.update(admitted, &[session], |_| {
            Ok(Some(((), relay.without_frame())))
        })?;
        return Ok(Delivery::ByTickerOnceQueued);
    };
    let payload_bytes = match json.len() > SMALL_BYTES {
        true => payload_bytes(admitted)?,
        false => frame::LEAST_PAYLOAD_BYTES,
    };
    let session_text = json_text::uuid(session);
    let header = frame::Header {
        session_id: &session_text,
        epoch: &epoch(epoch_salt),
        head_seq: seq,
        server_time_json: &format!("\"{}\"", json_text::time(sent_at)),
        poll_ms: relay.poll_ms,
    };
    let payload = frame::payload(&header, &[frame::Entry { seq, json }], payload_bytes)
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
        Ok(
            match may_wait_for_tick(&Relay::read(relay)?, clock::now()?)? {
                true => Sending::ByTick,
                false => Sending::Now,
            },
        )
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
    let may_wait = sending == Sending::ByTick;
    relay_unless(admitted, session, may_wait, first_seq, Urgency::Chat)
}

/// Relays entries, whose head row is still locked, without waiting for the end of a window.
pub fn relay_now(admitted: Admitted, session: Uuid, first_seq: i64) -> Result<()> {
    relay_unless(admitted, session, false, first_seq, Urgency::Urgent)
}

/// Relays an entry that waits as auction updates do, and whose head row is still locked.
pub fn relay_in_auction_window(admitted: Admitted, session: Uuid, seq: i64) -> Result<()> {
    let mut delivery = Delivery::ByFlush;
    RELAYS.update(admitted, &[session], |row| {
        let now = clock::now()?;
        let relay = Relay::read(row)?;
        let is_next = relay.flushed_seq >= seq - 1;
        let has_window = may_auction_wait(&relay, now)?;
        delivery = Delivery::of_unsent(has_window || find_write_method(now)?.is_none(), is_next);
        let changes = has_window.then(|| relay.fit_to_auction(is_next)).flatten();
        Ok(changes.map(|changes| ((), changes)))
    })?;
    hand_over(admitted, session, seq, &delivery, Urgency::Auction)
}

fn relay_unless(
    admitted: Admitted,
    session: Uuid,
    may_wait: bool,
    first_seq: i64,
    urgency: Urgency,
) -> Result<()> {
    let mut delivery = Delivery::ByFlush;
    relay_row::lock(admitted, session, Waiting::Block, |relay| {
        let waits = may_wait || find_write_method(clock::now()?)?.is_none();
        let is_next = relay.column::<i64>(c"flushed_seq")? >= first_seq - 1;
        delivery = Delivery::of_unsent(waits, is_next);
        Ok(())
    })?;
    hand_over(admitted, session, first_seq, &delivery, urgency)
}

/// Whether the window of the last frame is still open, and something will send the entry at its end: a ticker, or, for a
/// window that the governor has made longer, the first message or heartbeat after it.
fn may_wait_for_tick(relay: &Relay, now: TimestampWithTimeZone) -> Result<bool> {
    Ok(relay.is_open(now) && (relay.long_window_ends_at(now).is_some() || is_ticker_alive(now)?))
}

/// The same of the window of auction updates.
fn may_auction_wait(relay: &Relay, now: TimestampWithTimeZone) -> Result<bool> {
    Ok(relay.is_auction_open(now) && (relay.is_auction_pressed() || is_ticker_alive(now)?))
}

/// Sends all unsent entries, of which `first_seq` is the first of this transaction. Above READ COMMITTED they are left
/// to the next flush, because this transaction may not see the entries before its own. It queues the session itself: it
/// cannot see whether these have.
fn flush_with_others(
    admitted: Admitted,
    session: Uuid,
    first_seq: i64,
    urgency: Urgency,
) -> Result<()> {
    if caller::is_above_read_committed() {
        return relay_queue::note(session);
    }
    let relay = LockedRelay::wait_for(admitted, session)?;
    let is_next = relay.flushed_seq() >= first_seq - 1;
    // Meanwhile the partition may be dropped, or the day may end.
    if !relay.flush(admitted, urgency)? && is_next {
        relay_queue::note(session)?;
    }
    Ok(())
}
