//! Bounded waiting for row locks, without an error and without a subtransaction.
//!
//! Postgres ends a wait for a row only with the lock or with an error, and an error rolls back everything
//! since the last savepoint. So the lock is requested again and again, as SKIP LOCKED does, about once a
//! millisecond. A transaction that waits in Postgres's own queue wakes a moment after the holder ends, so even
//! under steady load the row is free for a few such moments.

use std::ffi::c_long;
use std::time::{Duration, Instant};

use pgrx::prelude::*;

use crate::postgres::error::Result;
use crate::postgres::keyed::Locked;

/// The pause between two attempts.
const NAP: Duration = Duration::from_millis(1);

/// The time that a call may still wait, in total and for the present step.
pub struct WaitBudget {
    left: Duration,
    left_here: Duration,
}

impl WaitBudget {
    pub fn new(limit: Duration) -> Self {
        Self {
            left: limit,
            left_here: limit,
        }
    }

    /// Begins a step, which may wait for `limit` at most, and no longer than is left in total.
    pub fn begin(&mut self, limit: Duration) {
        self.left_here = limit.min(self.left);
    }

    /// Requests a lock until it is granted or the budget is used up; once in any case.
    pub fn lock<T>(&mut self, mut attempt: impl FnMut() -> Result<Locked<T>>) -> Result<Locked<T>> {
        loop {
            match attempt()? {
                Locked::Taken if self.nap() => {}
                result => return Ok(result),
            }
        }
    }

    /// Pauses; returns false at once when nothing is left.
    fn nap(&mut self) -> bool {
        if self.left_here.is_zero() {
            return false;
        }
        let begin = Instant::now();
        sleep(NAP.min(self.left_here));
        let passed = begin.elapsed();
        self.left = self.left.saturating_sub(passed);
        self.left_here = self.left_here.saturating_sub(passed);
        true
    }
}

/// Sleeps, less long after a signal; raises when the statement is cancelled.
fn sleep(duration: Duration) {
    let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
    let milliseconds = c_long::try_from(duration.as_millis()).unwrap_or(1).max(1);
    let events = events as i32;
    // SAFETY: the latch is this backend's own.
    unsafe {
        let latch = pg_sys::MyLatch;
        pg_sys::WaitLatch(latch, events, milliseconds, pg_sys::PG_WAIT_EXTENSION);
        pg_sys::ResetLatch(latch);
    }
    pgrx::check_for_interrupts!();
}
