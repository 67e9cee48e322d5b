//! Running statements in UTC, so that times in their JSON do not depend on the caller's `TimeZone`.
//!
//! PostgREST sets `TimeZone` from the header `Prefer: timezone`, and frames are read by all viewers.

use std::ffi::CStr;

use pgrx::prelude::*;

use crate::postgres::error::Result;
use crate::postgres::setting;

/// Runs `work` with `TimeZone` UTC. Costs nothing where the session is in UTC already. When `work` raises,
/// Postgres puts the caller's zone back with the end of the (sub)transaction.
pub fn in_utc<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    if is_utc() {
        return work();
    }
    let level = setting::Level::begin();
    level.set(c"TimeZone", c"UTC");
    let result = work();
    level.end();
    result
}

fn is_utc() -> bool {
    // SAFETY: the zone of a session is always set, and its name lives as long as the server process.
    unsafe { CStr::from_ptr(pg_sys::pg_get_timezone_name(pg_sys::session_timezone)) == c"UTC" }
}
