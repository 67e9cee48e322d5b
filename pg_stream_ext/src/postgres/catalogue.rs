//! Look-ups in the catalogue by name, through Postgres's caches.

use std::ffi::CStr;

use pgrx::prelude::*;

use crate::postgres::relcache::KnownOid;

pub fn find_schema(name: &CStr) -> Option<pg_sys::Oid> {
    // SAFETY: a look-up inside a transaction.
    known(unsafe { pg_sys::get_namespace_oid(name.as_ptr(), true) })
}

/// A table, a view, an index or a composite type.
pub fn find_relation(schema: &CStr, name: &CStr) -> Option<pg_sys::Oid> {
    let schema = find_schema(schema)?;
    // SAFETY: a look-up inside a transaction.
    known(unsafe { pg_sys::get_relname_relid(name.as_ptr(), schema) })
}

/// A relation of schema `stream`, whose number is kept until Postgres invalidates a relation.
pub struct KnownRelation {
    name: &'static CStr,
    oid: KnownOid,
}

impl KnownRelation {
    pub const fn new(name: &'static CStr) -> Self {
        Self {
            name,
            oid: KnownOid::new(),
        }
    }

    pub fn find(&self) -> Option<pg_sys::Oid> {
        let found = self
            .oid
            .get_or(|| find_relation(c"stream", self.name).ok_or(()));
        found.ok()
    }
}

/// Whether a function without arguments exists.
pub fn has_function(schema: &CStr, name: &CStr) -> bool {
    let Some(schema) = find_schema(schema) else {
        return false;
    };
    let cache = pg_sys::SysCacheIdentifier::PROCNAMEARGSNSP as i32;
    let (name, schema) = (pg_sys::Datum::from(name.as_ptr()), schema.into());
    // SAFETY: makes an empty vector in the current context.
    let types = unsafe { pg_sys::buildoidvector(std::ptr::null(), 0) }.into();
    // SAFETY: a look-up inside a transaction, by keys of the cache's types; it copies those that it keeps.
    unsafe { pg_sys::SearchSysCacheExists(cache, name, types, schema, 0.into()) }
}

pub fn find_role(name: &CStr) -> Option<pg_sys::Oid> {
    // SAFETY: a look-up inside a transaction.
    known(unsafe { pg_sys::get_role_oid(name.as_ptr(), true) })
}

/// Locks a relation until the transaction ends, unless that would have to wait.
pub fn lock_if_free(relation: pg_sys::Oid, mode: u32) -> bool {
    // SAFETY: raises nothing; a relation that is gone by now can be locked too.
    unsafe { pg_sys::ConditionalLockRelationOid(relation, mode as pg_sys::LOCKMODE) }
}

/// What `read` takes from the row of the catalogue with this key; none where there is no such row. `C` is the form of the
/// cache's table.
///
/// # Safety
/// `C` must be that form.
pub unsafe fn read_row<C, T>(
    cache: pg_sys::SysCacheIdentifier::Type,
    key: pg_sys::Oid,
    read: impl FnOnce(&C) -> T,
) -> Option<T> {
    // SAFETY: the caller's promise; the row is released behind its reading.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(cache as i32, pg_sys::Datum::from(key));
        let row = (!tuple.is_null()).then(|| read(&*pg_sys::GETSTRUCT(tuple).cast::<C>()))?;
        pg_sys::ReleaseSysCache(tuple);
        Some(row)
    }
}

fn known(oid: pg_sys::Oid) -> Option<pg_sys::Oid> {
    (oid != pg_sys::InvalidOid).then_some(oid)
}
