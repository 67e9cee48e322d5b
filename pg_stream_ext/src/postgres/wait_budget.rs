//! Bounded waiting for row locks, without an error and without a subtransaction.
//!
//! Postgres ends a wait for a row only with the lock or with an error, and an error undoes everything
//! since the last savepoint. So the lock is asked for again and again, as SKIP LOCKED asks, about once in a
//! millisecond. Whoever waits in Postgres' own queue is woken a moment after the holder ends; a
//! stream under steady load is had within a few of these moments.

use std::ffi::c_long;
use std::time::{Duration, Instant};

use pgrx::prelude::*;

use crate::postgres::error::Result;
use crate::postgres::keyed::Locked;

/// Between two attempts.
const NAP: Duration = Duration::from_millis(1);

/// How long a call may still wait altogether, and for what it is at now.
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

    /// From now on at most `limit` is waited, and no more than is left altogether.
    pub fn begin(&mut self, limit: Duration) {
        self.left_here = limit.min(self.left);
    }

    /// Asks for a lock until it is had or budget ends; once in any case.
    pub fn lock<T>(&mut self, mut attempt: impl FnMut() -> Result<Locked<T>>) -> Result<Locked<T>> {
        loop {
            match attempt()? {
                Locked::Taken if self.nap() => {}
                result => return Ok(result),
            }
        }
    }

    /// False, and at once, when nothing is left.
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

/// Ends early for a signal; raises when the statement is cancelled.
fn sleep(duration: Duration) {
    let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
    let milliseconds = c_long::try_from(duration.as_millis()).unwrap_or(1).max(1);
    // SAFETY: the latch is this backend's own.
    unsafe {
        pg_sys::WaitLatch(
            pg_sys::MyLatch,
            events as i32,
            milliseconds,
            pg_sys::PG_WAIT_EXTENSION,
        );
        pg_sys::ResetLatch(pg_sys::MyLatch);
    }
    pgrx::check_for_interrupts!();
}
