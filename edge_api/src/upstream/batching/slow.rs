//! Those whose calls go alone for a while, because one of them cost a batch its time.

use std::collections::HashMap;

use tokio::time::Instant;

use super::waiting::{ALONE, Slow};

/// Beyond so many, others are not noted: a database that is slow for so many is slow for all.
const MOST: usize = 65_536;

#[derive(Default)]
pub(super) struct SlowOnes {
    until: HashMap<Slow, Instant>,
    /// At this size those whose time is over leave.
    full_at: usize,
}

impl SlowOnes {
    pub(super) fn note(&mut self, slow: Slow) {
        let now = Instant::now();
        if self.until.len() >= self.full_at {
            self.until.retain(|_, until| now < *until);
            self.full_at = (2 * self.until.len()).clamp(64, MOST);
        }
        if self.until.len() < MOST {
            self.until.insert(slow, now + ALONE);
        }
    }

    pub(super) fn contains(&self, slow: Slow) -> bool {
        let until = self.until.get(&slow);
        until.is_some_and(|until| Instant::now() < *until)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;
    use uuid::Uuid;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_was_slow_is_so_for_a_while_and_takes_no_memory_afterwards() {
        let mut ones = SlowOnes::default();
        let of = |number| Slow::HeartbeatsOf(Uuid::from_u128(number));
        for number in 0..1000 {
            ones.note(of(number));
        }
        advance(ALONE - Duration::from_millis(1)).await;
        assert!(ones.contains(of(999)) && !ones.contains(of(1000)));
        assert!(!ones.contains(Slow::MessagesIn(Uuid::from_u128(999))));
        advance(Duration::from_millis(1)).await;
        assert!(!ones.contains(of(999)));
        for number in 2000..4000 {
            ones.note(of(number));
            advance(ALONE).await;
        }
        assert!(ones.until.len() <= 1024, "{}", ones.until.len());
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_noted_than_memory_is_for() {
        let mut ones = SlowOnes::default();
        for number in 0..MOST as u128 + 10 {
            ones.note(Slow::MessagesIn(Uuid::from_u128(number)));
        }
        assert_eq!(ones.until.len(), MOST);
    }
}
