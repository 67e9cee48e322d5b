//! Checking that no other transaction keeps `realtime.messages` locked, for those who must not wait for it.
//!
//! Otherwise every unit of the regular work that emits would wait for such a lock, and fail, stream after stream. Instead it goes
//! on as on a day without a partition: entries are sent later, streams are counted and timed out. A host's heartbeat brings its
//! stream back later.

use std::cell::Cell;
use std::ffi::CString;
use std::time::{Duration, Instant};

use pgrx::prelude::*;

use crate::postgres::catalogue;
use crate::postgres::transaction;

/// The wait for a locked table, and how often there is one.
const GRACE: Duration = Duration::from_millis(100);
const GRACE_EVERY: Duration = Duration::from_secs(1);

/// 2000-01-01, from which Postgres counts, as a Julian day.
const EPOCH_JULIAN_DAY: i64 = 2_451_545;

thread_local! {
    /// The result of the current unit, by its number.
    static KNOWN: Cell<Option<(u64, bool)>> = const { Cell::new(None) };
    static HELD_AT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Whether another transaction holds a lock that keeps a unit from writing frames on this day, in days since 2000.
/// If not, the unit holds the lock from now on. Always false outside the regular work.
pub fn is_held(day: i64) -> bool {
    let Some(unit) = transaction::number() else {
        return false;
    };
    if let Some((of_unit, is_held)) = KNOWN.get()
        && of_unit == unit
    {
        return is_held;
    }
    let is_held = !lock_within_grace(day);
    KNOWN.set(Some((unit, is_held)));
    is_held
}

/// Takes the lock for a call that nobody may wait with; false: another transaction keeps it.
pub fn take_if_free(day: i64) -> bool {
    lock(day)
}

/// Takes the lock within a short time; false: another transaction keeps it.
pub fn take_soon(day: i64) -> bool {
    lock_within_grace(day)
}

fn lock_within_grace(day: i64) -> bool {
    let waited_lately = HELD_AT.get().is_some_and(|at| at.elapsed() < GRACE_EVERY);
    let until = Instant::now() + GRACE;
    loop {
        if lock(day) {
            return true;
        }
        if waited_lately || Instant::now() >= until {
            break;
        }
        pgrx::check_for_interrupts!();
        // SAFETY: sleeps.
        unsafe { pg_sys::pg_usleep(5_000) };
    }
    if !waited_lately {
        HELD_AT.set(Some(Instant::now()));
    }
    false
}

/// Takes the locks that an insert takes, without waiting.
fn lock(day: i64) -> bool {
    let (mut year, mut month, mut day_of_month) = (0, 0, 0);
    let julian_day = i32::try_from(day + EPOCH_JULIAN_DAY).unwrap_or(i32::MAX);
    // SAFETY: arithmetic into places of our own.
    unsafe { pg_sys::j2date(julian_day, &mut year, &mut month, &mut day_of_month) };
    let partition = format!("messages_{year:04}_{month:02}_{day_of_month:02}");
    ["messages", &partition].into_iter().all(|name| {
        let name = CString::new(name).unwrap_or_default();
        // What is not there is nobody's to hold.
        let table = catalogue::find_relation(c"realtime", &name);
        table.is_none_or(|table| catalogue::lock_if_free(table, pg_sys::RowExclusiveLock))
    })
}
