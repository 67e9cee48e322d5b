//! Asynchronous commits: the transactions that may commit before their WAL is on disk.
//!
//! These are transactions that emit nothing: Realtime reads flushed WAL only, and an asynchronous commit delays
//! every viewer's frame by up to the WAL writer's round (measured: median 5 ms against 150 ms).

use pgrx::prelude::*;

use crate::postgres::setting;

/// Commits this transaction asynchronously, for changes that the next heartbeat repeats anyway.
pub fn skip_waiting_for_the_disk() {
    if !is_asynchronous() {
        setting::set_local(c"synchronous_commit", c"off");
    }
}

/// Commits this transaction synchronously, before a row of `realtime.messages` is written. ForceSyncCommit makes it so,
/// whatever is set before the commit; the setting is changed too, so that it shows the truth.
pub fn wait_for_the_disk() {
    // SAFETY: sets a flag of the transaction, which ends with it.
    unsafe { pg_sys::ForceSyncCommit() };
    if is_asynchronous() {
        setting::set_local(c"synchronous_commit", c"on");
    }
}

fn is_asynchronous() -> bool {
    // SAFETY: a plain integer of this backend.
    let level = unsafe { pg_sys::synchronous_commit };
    level == pg_sys::SyncCommitLevel::SYNCHRONOUS_COMMIT_OFF as i32
}
