//! The queues behind flights: one for each key that has a flight under way.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::item::write_item;
use super::slow::SlowOnes;
use super::waiting::{Group, Key, MAX_BYTES, MAX_ITEMS, STALL, Slow, Waiting};
use crate::lock::Lock;
use crate::upstream::{Call, UpstreamError};

/// So many calls wait behind one flight at most: sixteen batches.
const LONGEST_QUEUE: usize = 16 * MAX_ITEMS;

/// All queues together hold so many bytes of items at most.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// After so many batches in a row that were refused as a whole, as where the login role may not become the service,
/// calls are not batched for a while.
const FAILURES: u32 = 3;
const UNBATCHED: Duration = Duration::from_secs(60);

pub(super) struct Lanes {
    state: Lock<State>,
    most_overtaken: usize,
}

#[derive(Default)]
struct State {
    /// One for each key with a flight under way.
    lanes: HashMap<Key, Lane>,
    next_ticket: u64,
    bytes: usize,
    /// The calls of each key that others have overtaken and that are under way.
    overtaken: HashMap<Key, usize>,
    slow: SlowOnes,
    failures: u32,
    unbatched_until: Option<Instant>,
}

struct Lane {
    flight_began: Instant,
    queue: VecDeque<Waiting>,
}

/// How a call goes on.
pub(super) enum Boarding {
    /// It goes out now, and is a flight of the key.
    Free,
    /// It goes out now, beside all others.
    Unbatched,
    Queued {
        ticket: u64,
        answer: oneshot::Receiver<Result<Box<RawValue>, UpstreamError>>,
    },
    /// The queue is full.
    Full,
}

/// A call that others overtake, until this is dropped.
pub(super) struct Overtaken<'a> {
    lanes: &'a Lanes,
    key: Key,
}

impl Drop for Overtaken<'_> {
    fn drop(&mut self) {
        let mut state = self.lanes.state.lock();
        if let Entry::Occupied(mut count) = state.overtaken.entry(self.key) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// Whether a call has left its queue.
pub(super) enum Left {
    /// The flight before it has ended meanwhile: it waits for the next one.
    No,
    InFlight,
    Yes {
        was_tried: bool,
    },
}

impl Lanes {
    /// In front of an upstream that makes so many calls of one session at the same time. One of them is left for whoever
    /// overtakes: where the stream itself is held, each message that is tried takes a part of the share, and waits in vain.
    pub(super) fn in_share(share: usize) -> Self {
        Self {
            state: Lock::default(),
            most_overtaken: share.saturating_sub(1),
        }
    }

    pub(super) fn board(&self, key: Key, call: &Arc<Call>) -> Boarding {
        let mut state = self.state.lock();
        let ticket = state.next_ticket;
        let bytes = state.bytes;
        let is_unbatched = state.is_unbatched();
        if key == Key::Heartbeats && state.is_slow_user(call) {
            return Boarding::Unbatched;
        }
        let Some(lane) = state.lanes.get_mut(&key) else {
            if is_unbatched {
                return Boarding::Unbatched;
            }
            let lane = Lane {
                flight_began: Instant::now(),
                queue: VecDeque::new(),
            };
            state.lanes.insert(key, lane);
            return Boarding::Free;
        };
        // Behind a flight that does not end, no heartbeat waits to find that out once more.
        if key == Key::Heartbeats && Instant::now() >= lane.flight_began + STALL {
            return Boarding::Unbatched;
        }
        let item = write_item(call).filter(|item| item.len() <= MAX_BYTES);
        let size = item.as_ref().map_or(0, String::len);
        if lane.queue.len() >= LONGEST_QUEUE || bytes + size > MOST_BYTES {
            return Boarding::Full;
        }
        let (sender, answer) = oneshot::channel();
        lane.queue.push_back(Waiting {
            ticket,
            call: call.clone(),
            item,
            queued_at: Instant::now(),
            was_tried: false,
            answer: sender,
        });
        state.bytes += size;
        state.next_ticket += 1;
        Boarding::Queued { ticket, answer }
    }

    /// The calls of the next flight, after one has ended; `again` are calls of that one whose turn is first. None: the key
    /// has no flight any more.
    pub(super) fn depart(&self, key: Key, again: Group) -> Option<Group> {
        let mut state = self.state.lock();
        let goes_alone = match key {
            Key::Messages(session) => state.slow.contains(Slow::MessagesIn(session)),
            Key::Heartbeats => false,
        };
        let most = if goes_alone { 1 } else { MAX_ITEMS };
        let lane = state.lanes.get_mut(&key)?;
        let mut added = 0;
        for waiting in again.into_iter().rev() {
            added += waiting.bytes();
            lane.queue.push_front(waiting);
        }
        // Whoever has gone leaves the queue; a caller who is going just now is no loss.
        let mut gone = 0;
        lane.queue.retain(|waiting| {
            let has_gone = waiting.answer.is_closed();
            gone += if has_gone { waiting.bytes() } else { 0 };
            !has_gone
        });
        lane.flight_began = Instant::now();
        let group = lane.next_group(most);
        let taken: usize = group.iter().map(Waiting::bytes).sum();
        if group.is_empty() {
            state.lanes.remove(&key);
        }
        state.bytes = (state.bytes + added).saturating_sub(gone + taken);
        (!group.is_empty()).then_some(group)
    }

    /// Lets the next flight depart beside a call that takes long, unless it is to hold them up.
    pub(super) fn overtake(&self, key: Key) -> Option<Overtaken<'_>> {
        let mut state = self.state.lock();
        let count = state.overtaken.entry(key).or_default();
        // Behind a heartbeat that takes long, the others would take a connection each.
        if key != Key::Heartbeats && *count >= self.most_overtaken {
            return None;
        }
        *count += 1;
        Some(Overtaken { lanes: self, key })
    }

    /// When a call that waits is given up unless the flight before it ends; none when it does not wait.
    pub(super) fn stalls_at(&self, key: Key, ticket: u64) -> Option<Instant> {
        let state = self.state.lock();
        let lane = state.lanes.get(&key)?;
        let waiting = lane.queue.iter().find(|waiting| waiting.ticket == ticket)?;
        Some(lane.stalls_at(key, waiting))
    }

    /// Takes a call out of its queue if it was given up by now, or is past its deadline.
    pub(super) fn leave_stalled(&self, key: Key, ticket: u64, deadline: Instant) -> Left {
        let mut state = self.state.lock();
        let now = Instant::now();
        let Some(lane) = state.lanes.get_mut(&key) else {
            return Left::InFlight;
        };
        let place = lane
            .queue
            .iter()
            .position(|waiting| waiting.ticket == ticket);
        let Some(waiting) = place.and_then(|place| lane.queue.get(place)) else {
            return Left::InFlight;
        };
        if now < lane.stalls_at(key, waiting) && now < deadline {
            return Left::No;
        }
        let was_tried = waiting.was_tried;
        state.remove(key, ticket);
        Left::Yes { was_tried }
    }

    /// Takes a call out of its queue, if it is in it.
    pub(super) fn leave(&self, key: Key, ticket: u64) {
        self.state.lock().remove(key, ticket);
    }

    /// Lets the calls of whoever this is go alone for a while.
    pub(super) fn note_slow(&self, slow: Slow) {
        self.state.lock().slow.note(slow);
    }

    /// Notes whether a batch was refused as a whole.
    pub(super) fn note_batch(&self, has_failed: bool) {
        let mut state = self.state.lock();
        state.failures = if has_failed { state.failures + 1 } else { 0 };
        if state.failures >= FAILURES {
            state.failures = 0;
            state.unbatched_until = Some(Instant::now() + UNBATCHED);
            drop(state);
            tracing::warn!("batches are refused as a whole: calls go out one by one for a minute");
        }
    }
}

impl State {
    fn is_unbatched(&mut self) -> bool {
        match self.unbatched_until {
            Some(until) if Instant::now() < until => true,
            _ => {
                self.unbatched_until = None;
                false
            }
        }
    }

    fn is_slow_user(&self, call: &Call) -> bool {
        let user = call.caller.user_id;
        user.is_some_and(|user| self.slow.contains(Slow::HeartbeatsOf(user)))
    }

    fn remove(&mut self, key: Key, ticket: u64) {
        let Some(lane) = self.lanes.get_mut(&key) else {
            return;
        };
        let place = lane
            .queue
            .iter()
            .position(|waiting| waiting.ticket == ticket);
        if let Some(waiting) = place.and_then(|place| lane.queue.remove(place)) {
            self.bytes = self.bytes.saturating_sub(waiting.bytes());
        }
    }
}

impl Lane {
    fn stalls_at(&self, key: Key, waiting: &Waiting) -> Instant {
        self.flight_began.max(waiting.queued_at) + key.patience()
    }

    /// The first calls that go together, so many at most: one without an item goes alone.
    fn next_group(&mut self, most: usize) -> Group {
        let mut group = Group::new();
        let mut bytes = 0;
        while let Some(next) = self.queue.front() {
            bytes += next.bytes();
            let is_full = group.len() == most || bytes > MAX_BYTES;
            if !group.is_empty() && (is_full || next.item.is_none()) {
                break;
            }
            let goes_alone = next.item.is_none();
            group.extend(self.queue.pop_front());
            if goes_alone {
                break;
            }
        }
        group
    }
}
