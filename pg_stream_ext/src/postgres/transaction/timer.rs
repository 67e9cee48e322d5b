//! The timer that ends a unit which takes too long.
//!
//! Postgres arms `statement_timeout` for statements of clients only, not for those of a background worker,
//! and a caller's own may be as long as it likes. So a timer of our own cancels what runs, as a caller's
//! cancel would, and remembers that it did.

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pgrx::prelude::*;

/// Where Postgres's numbers for extensions begin in every supported version, or later: it gives the
/// first free one.
const ANY_FREE_NUMBER: c_int = 16;

static HAS_FIRED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static NUMBER: c_int = {
        // SAFETY: once in a process; the handler only sets flags.
        unsafe { RegisterTimeout(ANY_FREE_NUMBER, fire) }
    };
}

// Not among pgrx's bindings. None of them raises an error that a caller could catch.
unsafe extern "C-unwind" {
    fn RegisterTimeout(id: c_int, handler: unsafe extern "C" fn()) -> c_int;
    fn enable_timeout_after(id: c_int, delay_ms: c_int);
    fn disable_timeout(id: c_int, keep_indicator: bool);
}

/// Runs in a signal handler; Postgres sets the latch of whoever waits.
unsafe extern "C" fn fire() {
    HAS_FIRED.store(true, Ordering::Relaxed);
    // SAFETY: flags that signal handlers of Postgres set in the same way.
    unsafe {
        (&raw mut pg_sys::QueryCancelPending).write_volatile(1);
        (&raw mut pg_sys::InterruptPending).write_volatile(1);
    }
}

/// A running timer; it ends with this value.
pub struct Timer(());

impl Timer {
    pub fn start(after: Duration) -> Self {
        HAS_FIRED.store(false, Ordering::Relaxed);
        let delay_ms = c_int::try_from(after.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: a number that was registered in this process.
        unsafe { enable_timeout_after(NUMBER.with(|number| *number), delay_ms) };
        Self(())
    }

    /// Whether a cancel was this timer's and not somebody's who wants the call to end.
    pub fn has_fired(&self) -> bool {
        HAS_FIRED.load(Ordering::Relaxed)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: as above. A cancel that came too late for its unit must not end the next statement.
        unsafe {
            disable_timeout(NUMBER.with(|number| *number), false);
            if self.has_fired() {
                (&raw mut pg_sys::QueryCancelPending).write_volatile(0);
            }
        }
    }
}
