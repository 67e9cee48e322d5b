//! Answers that are on their way to their clients, and the memory that all of them may take.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use metrics::{Gauge, gauge};

use crate::budget::{Budget, Share};
use crate::metrics::ANSWER_BYTES_PENDING;

/// A history of a few hundred messages. Clients that read slowly what is larger may take three quarters of the memory;
/// the rest is left for what most answers are.
const SMALL_BYTES: usize = 64 * 1024;

/// The eighths of the memory that large answers may take, and all answers that can be asked for again; the rest is left
/// for answers to changes, which are never refused once a change was begun.
const EIGHTHS_OF_LARGE: usize = 6;
const EIGHTHS_OF_REPEATABLE: usize = 7;
const EIGHTHS_OF_ALL: usize = 8;

/// One client may hold one part in so many: whoever reads a little now and then is never given up.
const CLIENTS: usize = 4;

/// Answers that are made and not yet written.
#[derive(Clone)]
pub struct Answers {
    memory: Arc<Budget>,
    gauge: Gauge,
}

impl Answers {
    /// The memory of all answers together, when nobody sets another.
    pub const DEFAULT_MEMORY_BYTES: usize = 64 << 20;

    pub fn within(memory_bytes: usize) -> Self {
        Self {
            memory: Budget::new(memory_bytes, CLIENTS),
            gauge: gauge!(ANSWER_BYTES_PENDING),
        }
    }

    /// Whether no request should be begun whose answer can be asked for again, since there would be no room for it.
    pub fn are_too_many_to_repeat(&self) -> bool {
        self.memory.is_exhausted(EIGHTHS_OF_REPEATABLE)
    }

    /// Whether no request at all should be begun: the answers of those that were begun may exceed the memory, and no more.
    pub fn are_too_many(&self) -> bool {
        self.memory.is_exhausted(EIGHTHS_OF_ALL)
    }

    /// Whether no request of this client should be begun, since it leaves as many answers unread as one may.
    pub fn are_too_many_of(&self, client: Option<IpAddr>) -> bool {
        self.memory.is_exhausted_by(client)
    }

    /// Counts an answer until its last byte is written or its connection is gone. None: it is too much, and can be asked
    /// for again.
    pub fn hold_repeatable(&self, answer: Bytes, client: Option<IpAddr>) -> Option<Bytes> {
        let eighths = if answer.len() > SMALL_BYTES {
            EIGHTHS_OF_LARGE
        } else {
            EIGHTHS_OF_REPEATABLE
        };
        let share = self.memory.try_take(answer.len(), eighths, client)?;
        Some(self.held(answer, share))
    }

    /// The same for the answer to a call that changed something: it was made, so its answer is never too much.
    pub fn hold(&self, answer: Bytes, client: Option<IpAddr>) -> Bytes {
        let share = self.memory.take(answer.len(), client);
        self.held(answer, share)
    }

    fn held(&self, bytes: Bytes, share: Share) -> Bytes {
        let size = size(&bytes);
        self.gauge.increment(size);
        let gauge = self.gauge.clone();
        Bytes::from_owner(Held {
            bytes,
            gauge,
            _share: share,
        })
    }
}

/// An answer with its share of the memory. hyper drops it when its last byte is with the kernel; before that nothing of it
/// can be freed, since it is one piece.
struct Held {
    bytes: Bytes,
    gauge: Gauge,
    _share: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.gauge.decrement(size(&self.bytes));
    }
}

/// Gauges are floating-point numbers; whole ones up to 2^53 are exact.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn size(bytes: &Bytes) -> f64 {
    bytes.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_answers_leave_room_for_small_ones_and_changes_always_pass() {
        let answers = Answers::within(400_000);
        let of = |bytes: usize| Bytes::from(vec![0; bytes]);
        let large = answers.hold_repeatable(of(250_000), None).expect("room");
        assert!(answers.hold_repeatable(of(100_000), None).is_none());
        let small = answers.hold_repeatable(of(60_000), None).expect("room");
        // The last eighth is for changes.
        assert!(answers.hold_repeatable(of(60_000), None).is_none());
        let change = answers.hold(of(50_000), None);
        assert!(answers.are_too_many_to_repeat() && !answers.are_too_many());
        let beyond = answers.hold(of(50_000), None);
        assert!(answers.are_too_many());
        assert!(answers.hold_repeatable(of(1), None).is_none());

        let part = large.slice(10..20);
        drop((large, small, change, beyond));
        assert_eq!(answers.memory.taken(), 250_000, "a part holds the whole");
        drop(part);
        assert_eq!(answers.memory.taken(), 0);
    }
}
