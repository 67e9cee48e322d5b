//! Finding, changing and adding one row by its key without a statement.
//!
//! To start a statement costs more than what it does to a single row, and a call that is made for every
//! viewer can save that. Keys, indexes, CHECKs and triggers for rows hold as they do for a statement: the
//! executor's functions for single rows do the work, the same with which logical replication applies its
//! changes. Rights and policies are not checked, so every operation asks for the proof that the caller was:
//! [`Admitted`].

mod row;
mod scan;
mod values;
mod write;

use std::ffi::CStr;

use pgrx::datum::{IntoDatum, Uuid};
use pgrx::prelude::*;

use crate::postgres::caller::Admitted;
use crate::postgres::catalogue::KnownRelation;
use crate::postgres::error::{Failure, Result};
pub use crate::postgres::keyed::row::{Key, Locked, Row, Waiting, with_table};
pub use crate::postgres::keyed::values::Values;

/// As an update locks that leaves the key as it is.
const FOR_UPDATE: pg_sys::LockTupleMode::Type = pg_sys::LockTupleMode::LockTupleNoKeyExclusive;

/// A table of schema `stream`, and the unique index by which its rows are found: its primary key,
/// unless another is named.
pub struct Table {
    table: KnownRelation,
    index: Option<KnownRelation>,
}

impl Table {
    pub const fn new(name: &'static CStr) -> Self {
        Self {
            table: KnownRelation::new(name),
            index: None,
        }
    }

    pub const fn by_index(name: &'static CStr, index: &'static CStr) -> Self {
        Self {
            table: KnownRelation::new(name),
            index: Some(KnownRelation::new(index)),
        }
    }

    /// Returns the first `Some` that `read` yields, scanning backward the rows whose columns at the beginning of the index
    /// equal `key`. Sees what is committed by now.
    pub fn find<const K: usize, T>(
        &self,
        admitted: Admitted,
        key: &[Uuid; K],
        read: impl FnMut(&Row) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        with_table(
            admitted,
            oid(&self.table)?,
            pg_sys::AccessShareLock,
            |row| row.find(self.index()?, &key.map(equal), read),
        )
    }

    /// Reads the row of a table that has one row. Sees what is committed by now.
    pub fn only<T>(
        &self,
        admitted: Admitted,
        read: impl FnOnce(&Row) -> Result<T>,
    ) -> Result<Option<T>> {
        with_table(
            admitted,
            oid(&self.table)?,
            pg_sys::AccessShareLock,
            |row| row.find_only(|row| read(row).map(Some)),
        )
    }

    /// Locks the row with this key, waiting for whoever holds it, and changes its newest version as `change`
    /// says. Nothing when there is no such row, or when `change` gives nothing. The key itself never changes.
    /// Of the table's triggers, those for statements and those for named columns are not fired.
    pub fn update<T, const K: usize, const N: usize>(
        &self,
        admitted: Admitted,
        key: &[Uuid; K],
        change: impl FnOnce(&Row) -> Result<Option<(T, Values<N>)>>,
    ) -> Result<Option<T>> {
        with_table(
            admitted,
            oid(&self.table)?,
            pg_sys::RowExclusiveLock,
            |row| match self.find_and_lock(row, key, FOR_UPDATE, Waiting::Block)? {
                Locked::Held(()) => update(row, change),
                Locked::Taken | Locked::Missing => Ok(None),
            },
        )
    }

    /// Changes the row with this key as `change` says, unless somebody holds it; waits for nobody, and locks
    /// nothing of which `change` wants nothing. So `change` is asked twice, the second time with the newest
    /// version locked, which counts.
    pub fn update_free<T, const K: usize, const N: usize>(
        &self,
        admitted: Admitted,
        key: &[Uuid; K],
        mut change: impl FnMut(&Row) -> Result<Option<(T, Values<N>)>>,
    ) -> Result<Locked<T>> {
        with_table(
            admitted,
            oid(&self.table)?,
            pg_sys::RowExclusiveLock,
            |row| {
                let is_wanted = |row: &Row| change(row).map(|wanted| Some(wanted.is_some()));
                if row.find(self.index()?, &key.map(equal), is_wanted)? != Some(true) {
                    return Ok(Locked::Missing);
                }
                match row.lock(FOR_UPDATE, Waiting::Skip) {
                    Locked::Held(()) => {
                        Ok(update(row, change)?.map_or(Locked::Missing, Locked::Held))
                    }
                    Locked::Taken => Ok(Locked::Taken),
                    Locked::Missing => Ok(Locked::Missing),
                }
            },
        )
    }

    /// Changes the first of the rows with this key that nobody holds; returns whether there is one. Waits for nobody.
    pub fn update_first_free<const K: usize, const N: usize>(
        &self,
        admitted: Admitted,
        key: &[Key; K],
        change: impl FnOnce(&Row) -> Result<Values<N>>,
    ) -> Result<bool> {
        with_table(
            admitted,
            oid(&self.table)?,
            pg_sys::RowExclusiveLock,
            |row| {
                let is_locked = row.lock_first_free(self.index()?, key, FOR_UPDATE)?;
                if is_locked {
                    write::update(row, change(row)?)?;
                }
                Ok(is_locked)
            },
        )
    }

    /// Locks the row with this key, and reads its newest version.
    pub fn lock<T, const K: usize>(
        &self,
        admitted: Admitted,
        key: &[Uuid; K],
        mode: pg_sys::LockTupleMode::Type,
        waiting: Waiting,
        read: impl FnOnce(&Row) -> Result<T>,
    ) -> Result<Locked<T>> {
        with_table(
            admitted,
            oid(&self.table)?,
            pg_sys::RowShareLock,
            |row| match self.find_and_lock(row, key, mode, waiting)? {
                Locked::Held(()) => read(row).map(Locked::Held),
                Locked::Taken => Ok(Locked::Taken),
                Locked::Missing => Ok(Locked::Missing),
            },
        )
    }

    /// Adds a row. A column that is not named is null, since defaults are not asked for. Triggers for
    /// statements are not fired.
    pub fn insert<const N: usize>(&self, admitted: Admitted, values: Values<N>) -> Result<()> {
        with_table(
            admitted,
            oid(&self.table)?,
            pg_sys::RowExclusiveLock,
            |row| write::insert(row, values),
        )
    }

    fn find_and_lock<const K: usize>(
        &self,
        row: &mut Row,
        key: &[Uuid; K],
        mode: pg_sys::LockTupleMode::Type,
        waiting: Waiting,
    ) -> Result<Locked<()>> {
        let found = row.find(self.index()?, &key.map(equal), |_| Ok(Some(())))?;
        Ok(found.map_or(Locked::Missing, |()| row.lock(mode, waiting)))
    }

    fn index(&self) -> Result<Option<pg_sys::Oid>> {
        self.index.as_ref().map(oid).transpose()
    }
}

/// Changes a locked row, of which `change` may want nothing.
fn update<T, const N: usize>(
    row: &Row,
    change: impl FnOnce(&Row) -> Result<Option<(T, Values<N>)>>,
) -> Result<Option<T>> {
    let Some((answer, changes)) = change(row)? else {
        return Ok(None);
    };
    write::update(row, changes)?;
    Ok(Some(answer))
}

/// A column of type uuid that equals `value`.
pub fn equal(value: Uuid) -> Key {
    Key {
        equal: pg_sys::F_UUID_EQ.into(),
        value: value.into_datum().unwrap_or(pg_sys::Datum::null()),
    }
}

/// A column of type text with collation "C" that equals `value`.
pub fn equal_text(value: &str) -> Key {
    Key {
        equal: pg_sys::F_TEXTEQ.into(),
        value: value.into_datum().unwrap_or(pg_sys::Datum::null()),
    }
}

fn oid(relation: &KnownRelation) -> Result<pg_sys::Oid> {
    relation
        .find()
        .ok_or(Failure::Row("a table or an index is gone"))
}
