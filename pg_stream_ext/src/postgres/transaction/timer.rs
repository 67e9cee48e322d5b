//! The timer that cancels a unit which takes too long.
//!
//! Postgres applies `statement_timeout` to statements of clients only, not to those of a background worker,
//! and a caller's own may be of any length. So a timer of our own cancels the running statement, as a client's
//! cancel does, and records that it did.

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pgrx::prelude::*;

/// A number that is free for extensions in every supported version; Postgres returns the first free one from here.
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

/// A running timer, which is stopped when this value is dropped.
pub struct Timer(());

impl Timer {
    pub fn start(after: Duration) -> Self {
        HAS_FIRED.store(false, Ordering::Relaxed);
        let delay_ms = c_int::try_from(after.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: a number that was registered in this process.
        unsafe { enable_timeout_after(NUMBER.with(|number| *number), delay_ms) };
        Self(())
    }

    /// Whether this timer has fired; otherwise a cancel came from a client.
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
