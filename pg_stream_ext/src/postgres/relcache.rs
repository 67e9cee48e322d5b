//! Caching of catalogue lookups until the next relcache invalidation.
//!
//! Postgres invalidates its relcache when a table is changed, dropped or created.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use pgrx::prelude::*;

thread_local! {
    /// The number of invalidations, from 1; 0: the callback is not registered yet.
    static INVALIDATIONS: Cell<u32> = const { Cell::new(0) };
}

/// The number of invalidations in this process. Lookups that were made at another number are stale.
pub fn invalidations() -> u32 {
    if INVALIDATIONS.get() == 0 {
        // SAFETY: the function stays where it is, as a library is never unloaded. There is no way to end
        // it.
        unsafe {
            pg_sys::CacheRegisterRelcacheCallback(Some(count_invalidation), pg_sys::Datum::from(0))
        };
        INVALIDATIONS.set(1);
    }
    INVALIDATIONS.get()
}

/// Called by Postgres at every invalidation, so it must neither raise nor look anything up.
extern "C-unwind" fn count_invalidation(_: pg_sys::Datum, _: pg_sys::Oid) {
    INVALIDATIONS.set(INVALIDATIONS.get().wrapping_add(1).max(1));
}

/// An oid of the catalogue, looked up at first use and after invalidations.
pub struct KnownOid(AtomicU64);

impl KnownOid {
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub fn get_or<E>(
        &self,
        find_out: impl FnOnce() -> Result<pg_sys::Oid, E>,
    ) -> Result<pg_sys::Oid, E> {
        // Read first: a lookup during which an invalidation comes must not count as newer.
        let now = invalidations();
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
