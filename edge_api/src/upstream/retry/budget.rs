//! A budget of retries: each call pays in one, each retry takes one out.
//!
//! So retries never exceed calls, and in an outage the load on the database at most doubles.

/// What an earlier, quiet time may leave for a moment of trouble.
pub const RESERVE: u32 = 20;

/// The tokens that calls have paid in and no retry has taken.
#[derive(Debug, Default)]
pub struct Budget {
    tokens: u32,
}

impl Budget {
    /// A call came in.
    pub fn deposit(&mut self) {
        self.tokens = (self.tokens + 1).min(RESERVE);
    }

    /// Whether a retry is paid for.
    pub fn withdraw(&mut self) -> bool {
        let is_paid = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        is_paid
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use property_seed::config;

    proptest! {
        #![proptest_config(config(512))]

        /// Feature: streaming-realtime-fixes, Property 12: Backend Performance Consistency. In every stretch
        /// of time the retries are at most the calls and the reserve; from the start, at most the calls.
        #[test]
        fn retries_never_more_than_double_the_load(
            events in proptest::collection::vec(any::<bool>(), 1..400),
        ) {
            let mut budget = Budget::default();
            // The calls that came and the retries that were granted up to each event.
            let mut counts = vec![(0_u32, 0_u32)];
            for is_call in events {
                let (mut calls, mut retries) = *counts.last().expect("a first one");
                if is_call {
                    budget.deposit();
                    calls += 1;
                } else if budget.withdraw() {
                    retries += 1;
                }
                prop_assert!(retries <= calls);
                for (calls_before, retries_before) in &counts {
                    prop_assert!(retries - retries_before <= calls - calls_before + RESERVE);
                }
                counts.push((calls, retries));
            }
        }
    }

    #[test]
    fn a_lone_call_may_be_retried_once() {
        let mut budget = Budget::default();
        assert!(!budget.withdraw());
        budget.deposit();
        assert!(budget.withdraw());
        assert!(!budget.withdraw());
    }
}
