//! When may a user have the next token of a stream?
//!
//! GCRA: a token's theoretical arrival time lies one interval behind that of the token before it, and at
//! most a minute ahead, so that a minute's tokens may come at once.

use crate::clock::{MICROSECONDS_PER_S, Microseconds};

const MINUTE: Microseconds = 60 * MICROSECONDS_PER_S;

/// What a token costs of its user's rate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    Free,
    /// Counts, and is never refused.
    Counted,
    /// Counts, and is refused beyond the rate.
    Limited,
}

/// The rate of one user in one stream, at one time.
pub struct Rate {
    pub now: Microseconds,
    pub per_minute: i32,
}

impl Rate {
    /// The theoretical arrival time to note with a token; nothing: the token must wait.
    pub fn charge(
        &self,
        charge: Charge,
        noted: Option<Microseconds>,
    ) -> Option<Option<Microseconds>> {
        let next = self.next(noted);
        match charge {
            Charge::Free => Some(noted),
            Charge::Counted => Some(Some(next.min(self.now + MINUTE))),
            Charge::Limited => (next <= self.now + MINUTE).then_some(Some(next)),
        }
    }

    /// Milliseconds until a token may come; 0: it may come now.
    pub fn wait_ms(&self, noted: Option<Microseconds>) -> u64 {
        let wait = (self.next(noted) - self.now - MINUTE).max(0).unsigned_abs();
        wait.div_ceil(1000)
    }

    /// A time that no rate can have led to was written before the clock was set back.
    fn next(&self, noted: Option<Microseconds>) -> Microseconds {
        let begin = noted
            .filter(|noted| (self.now..=self.now + MINUTE).contains(noted))
            .unwrap_or(self.now);
        begin + MINUTE / Microseconds::from(self.per_minute.max(1))
    }
}
