//! How long does hold what was found out about a table, an index or a key?
//!
//! Until Postgres forgets a table itself, because one was changed, dropped or made anew.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use pgrx::prelude::*;

thread_local! {
    /// How often Postgres has forgotten a table, from 1; 0: it was not asked to tell yet.
    static FORGOTTEN: Cell<u32> = const { Cell::new(0) };
}

/// Another number than the last time: nothing that was known then holds any more.
pub fn forgotten() -> u32 {
    if FORGOTTEN.get() == 0 {
        // SAFETY: the function stays where it is, as a library is never unloaded. There is no way to end
        // it.
        unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(forget), pg_sys::Datum::from(0)) };
        FORGOTTEN.set(1);
    }
    FORGOTTEN.get()
}

/// Called whenever Postgres forgets a table itself, so it may neither fail nor look anything up.
extern "C-unwind" fn forget(_: pg_sys::Datum, _: pg_sys::Oid) {
    FORGOTTEN.set(FORGOTTEN.get().wrapping_add(1).max(1));
}

/// A number of the catalogue, found out at first use and whenever it may have changed.
pub struct KnownOid(AtomicU64);

impl KnownOid {
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub fn get_or<E>(
        &self,
        find_out: impl FnOnce() -> Result<pg_sys::Oid, E>,
    ) -> Result<pg_sys::Oid, E> {
        // What was found out before something is forgotten must not pass for newer.
        let now = forgotten();
        let known = self.0.load(Ordering::Relaxed);
        if known >> 32 == u64::from(now) {
            return Ok(pg_sys::Oid::from(known as u32));
        }
        let oid = find_out()?;
        let known = u64::from(now) << 32 | u64::from(oid.to_u32());
        self.0.store(known, Ordering::Relaxed);
        Ok(oid)
    }
}
