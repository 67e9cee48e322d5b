//! Finding, changing and adding one row by its key without a statement.
//!
//! To start a statement costs more than what it does to a single row, and a call that is made for every
//! viewer can save that. Keys, indexes, CHECKs and triggers for rows hold as they do for a statement: the
//! executor's functions for single rows do the work, the same with which logical replication applies its
//! changes. Rights and policies are not asked for, so this is for callers whom [`crate::postgres::caller`] has
//! admitted as the owner of the tables.

mod generated;
mod insert;
mod row;
mod update;
mod write;

use std::ffi::CStr;

use pgrx::datum::{DatumWithOid, IntoDatum, Uuid};
use pgrx::prelude::*;

use crate::postgres::error::{Failure, Result};
pub use crate::postgres::keyed::row::{Key, Row, Waiting, with_table};
use crate::postgres::keyed::update::Held;
use crate::postgres::relcache::KnownOid;

/// A table of schema `stream`, and the unique index by which its rows are found: its primary key,
/// unless another is named.
pub struct Table {
    table: Relation,
    index: Option<Relation>,
}

/// A table or an index of schema `stream`.
struct Relation {
    name: &'static CStr,
    oid: KnownOid,
}

/// The result of asking for a row's lock.
pub enum Locked<T> {
    Held(T),
    /// Somebody else holds the row, and it was not to be waited for.
    Taken,
    /// There is no such row, or `change` wanted nothing of it.
    Missing,
}

/// Values of columns. A domain's CHECK is not asked for, so they must be right by construction.
pub type Values<const N: usize> = [(&'static CStr, DatumWithOid<'static>); N];

impl Table {
    pub const fn new(name: &'static CStr) -> Self {
        Self {
            table: Relation::new(name),
            index: None,
        }
    }

    pub const fn by_index(name: &'static CStr, index: &'static CStr) -> Self {
        Self {
            table: Relation::new(name),
            index: Some(Relation::new(index)),
        }
    }

    /// What `read` gives for the first row of which it gives anything, from the end of the index, which
    /// begins with the uuids of `key`. Sees what is committed by now.
    pub fn find<const K: usize, T>(
        &self,
        key: &[Uuid; K],
        read: impl FnMut(&Row) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        with_table(self.table.oid()?, pg_sys::AccessShareLock, |row| {
            row.find(self.index()?, &key.map(equal), read)
        })
    }

    /// What `read` gives for the row of a table that has one row. Sees what is committed by now.
    pub fn only<T>(&self, read: impl FnOnce(&Row) -> Result<T>) -> Result<Option<T>> {
        with_table(self.table.oid()?, pg_sys::AccessShareLock, |row| {
            row.find_only(|row| read(row).map(Some))
        })
    }

    /// Changes the row with this key as `change` says, waiting for whoever changes it now. Nothing when
    /// there is no such row, or when `change` gives nothing. What counts is what `change` gives for the
    /// newest version: when somebody holds the row or was quicker, or when it gives nothing, it is asked
    /// again with the row locked as an update would. The key itself never changes. Of the table's triggers, those for
    /// statements and those for named columns are not fired.
    pub fn update<T, const K: usize, const N: usize>(
        &self,
        key: &[Uuid; K],
        mut change: impl FnMut(&Row) -> Result<Option<(T, Values<N>)>>,
    ) -> Result<Option<T>> {
        with_table(self.table.oid()?, pg_sys::RowExclusiveLock, |row| {
            if row
                .find(self.index()?, &key.map(equal), |_| Ok(Some(())))?
                .is_none()
            {
                return Ok(None);
            }
            if let Some((answer, changes)) = change(row)?
                && update::replace(row, Held::Unlocked, changes)?
            {
                return Ok(Some(answer));
            }
            let mode = pg_sys::LockTupleMode::LockTupleNoKeyExclusive;
            if !row.lock(mode, Waiting::Block).is_held() {
                return Ok(None);
            }
            let Some((answer, changes)) = change(row)? else {
                return Ok(None);
            };
            update::replace(row, Held::Locked, changes)?;
            Ok(Some(answer))
        })
    }

    /// Changes the row with this key as `change` says, unless somebody holds it; waits for nobody.
    /// `change` is asked again with the row locked where a plain update does not do.
    pub fn update_free<T, const K: usize, const N: usize>(
        &self,
        key: &[Uuid; K],
        mut change: impl FnMut(&Row) -> Result<Option<(T, Values<N>)>>,
    ) -> Result<Locked<T>> {
        with_table(self.table.oid()?, pg_sys::RowExclusiveLock, |row| {
            if row
                .find(self.index()?, &key.map(equal), |_| Ok(Some(())))?
                .is_none()
            {
                return Ok(Locked::Missing);
            }
            let Some((answer, changes)) = change(row)? else {
                return Ok(Locked::Missing);
            };
            if update::replace(row, Held::Unlocked, changes)? {
                return Ok(Locked::Held(answer));
            }
            let lock = row.lock(
                pg_sys::LockTupleMode::LockTupleNoKeyExclusive,
                Waiting::Skip,
            );
            if lock.is_taken() {
                return Ok(Locked::Taken);
            }
            if !lock.is_held() {
                return Ok(Locked::Missing);
            }
            let Some((answer, changes)) = change(row)? else {
                return Ok(Locked::Missing);
            };
            update::replace(row, Held::Locked, changes)?;
            Ok(Locked::Held(answer))
        })
    }

    /// Locks the row with this key, and reads its newest version.
    pub fn lock<T, const K: usize>(
        &self,
        key: &[Uuid; K],
        mode: pg_sys::LockTupleMode::Type,
        waiting: Waiting,
        read: impl FnOnce(&Row) -> Result<T>,
    ) -> Result<Locked<T>> {
        with_table(self.table.oid()?, pg_sys::RowShareLock, |row| {
            if row
                .find(self.index()?, &key.map(equal), |_| Ok(Some(())))?
                .is_none()
            {
                return Ok(Locked::Missing);
            }
            let lock = row.lock(mode, waiting);
            if lock.is_held() {
                return read(row).map(Locked::Held);
            }
            Ok(if lock.is_taken() {
                Locked::Taken
            } else {
                Locked::Missing
            })
        })
    }

    /// Adds a row. A column that is not named is null, since defaults are not asked for. Triggers for
    /// statements are not fired.
    pub fn insert<const N: usize>(&self, values: Values<N>) -> Result<()> {
        with_table(self.table.oid()?, pg_sys::RowExclusiveLock, |row| {
            insert::insert(row, values)
        })
    }

    fn index(&self) -> Result<Option<pg_sys::Oid>> {
        self.index.as_ref().map(Relation::oid).transpose()
    }
}

fn equal(value: Uuid) -> Key {
    Key {
        equal: pg_sys::F_UUID_EQ.into(),
        value: value.into_datum().unwrap_or(pg_sys::Datum::null()),
    }
}

impl Relation {
    const fn new(name: &'static CStr) -> Self {
        Self {
            name,
            oid: KnownOid::new(),
        }
    }

    fn oid(&self) -> Result<pg_sys::Oid> {
        self.oid.get_or(|| {
            // SAFETY: look-ups by constant names inside a transaction.
            let oid = unsafe {
                let schema = pg_sys::get_namespace_oid(c"stream".as_ptr(), true);
                pg_sys::get_relname_relid(self.name.as_ptr(), schema)
            };
            if oid == pg_sys::InvalidOid {
                return Err(Failure::Row("a table or an index is gone"));
            }
            Ok(oid)
        })
    }
}
