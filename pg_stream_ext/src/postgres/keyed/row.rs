//! Finding a row through an index, reading it and locking it.

use std::ffi::CStr;
use std::ptr::null_mut;

use pgrx::PgTupleDesc;
use pgrx::datum::FromDatum;
use pgrx::prelude::*;

use crate::postgres::caller::Admitted;
use crate::postgres::column::ColumnValue;
use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::scan::{IndexScan, TableScan, lock_mode};

/// A place for one row of an open table: nothing until it was found.
pub struct Row {
    pub(super) table: pg_sys::Relation,
    /// The table's own, which lasts as long as the table is open.
    descriptor: PgTupleDesc<'static>,
    pub(super) slot: *mut pg_sys::TupleTableSlot,
}

/// What a column of an index must be equal to.
pub struct Key {
    pub equal: pg_sys::RegProcedure,
    pub value: pg_sys::Datum,
}

/// What is done about a row that somebody else holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    Block,
    /// As SKIP LOCKED, which still waits where a key's lock passes an update and the same transaction deletes the row.
    Skip,
}

/// The result of asking for a row's lock.
pub enum Locked<T> {
    Held(T),
    /// Somebody else holds the row, and it was not to be waited for.
    Taken,
    /// There is no such row, or nothing was wanted of it.
    Missing,
}

/// Opens a table, which is refused to a READ ONLY transaction unless it is only read. When rows may be locked in it, the table's lock is kept until the transaction ends, as a
/// statement keeps it. What an error leaves open, the end of the transaction closes.
pub fn with_table<T>(
    _: Admitted,
    table: pg_sys::Oid,
    mode: u32,
    work: impl FnOnce(&mut Row) -> Result<T>,
) -> Result<T> {
    let is_read = mode == pg_sys::AccessShareLock;
    if !is_read {
        prevent_if_read_only(mode);
    }
    let mut row = Row::of(table, mode);
    let answer = work(&mut row);
    // Nothing that was only read needs its lock any longer, and Postgres keeps only 16 in the cheap way.
    row.close(if is_read { mode } else { pg_sys::NoLock });
    answer
}

/// Refuses (25006) as a statement does, which the executor's functions for single rows do not: a transaction that is READ
/// ONLY, as all of a standby are.
fn prevent_if_read_only(mode: u32) {
    let command = match mode {
        pg_sys::RowShareLock => c"SELECT FOR UPDATE",
        _ => c"UPDATE",
    };
    // SAFETY: raises, or does nothing.
    unsafe { pg_sys::PreventCommandIfReadOnly(command.as_ptr()) };
}

impl Row {
    fn of(table: pg_sys::Oid, mode: u32) -> Self {
        // SAFETY: raises when there is no such table; slot and descriptor are those of the open one.
        unsafe {
            let table = pg_sys::table_open(table, lock_mode(mode));
            Self {
                table,
                descriptor: PgTupleDesc::from_pg_unchecked((*table).rd_att),
                slot: pg_sys::table_slot_create(table, null_mut()),
            }
        }
    }

    fn close(self, released: u32) {
        // SAFETY: both were made by `of`; the slot, which pins a buffer of the table, goes first.
        unsafe {
            pg_sys::ExecDropSingleTupleTableSlot(self.slot);
            pg_sys::table_close(self.table, lock_mode(released));
        }
    }

    /// Returns the first `Some` that `read` yields, scanning backward the rows whose columns at the beginning of the index
    /// equal `key`; by default the primary key's. Sees what is committed by now. Versions of a row are in the index in the order of their places, so the end
    /// is where the newest one is when a held snapshot keeps the others (with 6,000 of them a search from
    /// the beginning took 0.4 ms).
    pub fn find<T, const K: usize>(
        &mut self,
        index: Option<pg_sys::Oid>,
        key: &[Key; K],
        mut read: impl FnMut(&Self) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let scan = self.scan(index, key)?;
        let mut found = Ok(None);
        while matches!(found, Ok(None)) && scan.next(self.slot) {
            found = read(self);
        }
        scan.end();
        found
    }

    /// Locks the first row that nobody holds of those that `find` scans; returns whether there is one. Waits for nobody.
    pub fn lock_first_free<const K: usize>(
        &mut self,
        index: Option<pg_sys::Oid>,
        key: &[Key; K],
        mode: pg_sys::LockTupleMode::Type,
    ) -> Result<bool> {
        let scan = self.scan(index, key)?;
        let mut is_locked = false;
        while !is_locked && scan.next(self.slot) {
            is_locked = matches!(self.lock(mode, Waiting::Skip), Locked::Held(()));
        }
        scan.end();
        Ok(is_locked)
    }

    fn scan<const K: usize>(
        &self,
        index: Option<pg_sys::Oid>,
        key: &[Key; K],
    ) -> Result<IndexScan> {
        let mut conditions = [pg_sys::ScanKeyData::default(); K];
        for ((place, condition), key) in (1..).zip(&mut conditions).zip(key) {
            let equal = pg_sys::BTEqualStrategyNumber as pg_sys::StrategyNumber;
            // SAFETY: initialises the condition.
            unsafe { pg_sys::ScanKeyInit(condition, place, equal, key.equal, key.value) };
        }
        let index = index.unwrap_or_else(|| primary_key_index(self.table));
        IndexScan::begin(self.table, index, &mut conditions)
    }

    /// The only row of a table that has one.
    pub fn find_only<T>(
        &mut self,
        read: impl FnOnce(&Self) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let scan = TableScan::begin(self.table);
        let found = match scan.next(self.slot) {
            true => read(self),
            false => Ok(None),
        };
        scan.end();
        found
    }

    /// A column that may be null.
    pub fn nullable<T: ColumnValue>(&self, column: &CStr) -> Result<Option<T>> {
        self.read(column)
    }

    /// A column that is never null.
    pub fn column<T: ColumnValue>(&self, column: &CStr) -> Result<T> {
        self.nullable(column)?
            .ok_or(Failure::Row("a column was unexpectedly null"))
    }

    /// A text that is never null, where it stands in the row.
    pub fn text(&self, column: &CStr) -> Result<&str> {
        self.read(column)?
            .ok_or(Failure::Row("a column was unexpectedly null"))
    }

    /// What is borrowed is borrowed from the row, which keeps its buffer pinned until it is changed.
    fn read<'row, T: FromDatum + IntoDatum + 'row>(&'row self, column: &CStr) -> Result<Option<T>> {
        let attribute = self.attribute(column)?;
        let mut type_oid = attribute.atttypid;
        if !T::is_compatible_with(type_oid) {
            // A domain's values are those of its base type.
            type_oid = base_type(type_oid);
        }
        if !T::is_compatible_with(type_oid) {
            return Err(Failure::Row("a column is of another type"));
        }
        let mut is_null = false;
        // SAFETY: the slot holds a row of the table, and the column is of this type.
        unsafe {
            let datum = pg_sys::slot_getattr(self.slot, attribute.attnum.into(), &mut is_null);
            Ok(T::from_polymorphic_datum(datum, is_null, type_oid))
        }
    }

    /// Locks the newest version of the row that was found, as READ COMMITTED does, and reads it.
    pub fn lock(&mut self, mode: pg_sys::LockTupleMode::Type, waiting: Waiting) -> Locked<()> {
        let flags = pg_sys::TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS
            | pg_sys::TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
        let policy = match waiting {
            Waiting::Block => pg_sys::LockWaitPolicy::LockWaitBlock,
            Waiting::Skip => pg_sys::LockWaitPolicy::LockWaitSkip,
        };
        let (table, slot) = (self.table, self.slot);
        let flags = flags as u8;
        let failure = &mut pg_sys::TM_FailureData::default();
        // SAFETY: the slot holds a row of this open table; its place is copied, because the lock
        // writes the slot.
        let outcome = unsafe {
            let at = &mut (*slot).tts_tid.clone();
            let (now, command) = (
                pg_sys::GetActiveSnapshot(),
                pg_sys::GetCurrentCommandId(false),
            );
            pg_sys::table_tuple_lock(table, at, now, slot, command, mode, policy, flags, failure)
        };
        match outcome {
            pg_sys::TM_Result::TM_Ok => Locked::Held(()),
            pg_sys::TM_Result::TM_WouldBlock => Locked::Taken,
            _ => Locked::Missing,
        }
    }

    /// A column by its name.
    pub(super) fn attribute(&self, column: &CStr) -> Result<&pg_sys::FormData_pg_attribute> {
        // Several for each call, among many columns: no name is measured before it is compared.
        let name = column.to_bytes_with_nul();
        let is_meant = |attribute: &&pg_sys::FormData_pg_attribute| {
            let letters = attribute.attname.data.iter().zip(name);
            letters.into_iter().all(|(one, other)| *one as u8 == *other) && !attribute.attisdropped
        };
        let found = self.descriptor.iter().find(is_meant);
        found.ok_or(Failure::Row("a column is gone"))
    }

    pub(super) fn column_count(&self) -> usize {
        self.descriptor.len()
    }

    pub(super) fn descriptor(&self) -> pg_sys::TupleDesc {
        self.descriptor.as_ptr()
    }
}

fn primary_key_index(table: pg_sys::Relation) -> pg_sys::Oid {
    // SAFETY: the table of a row is open.
    unsafe {
        #[cfg(feature = "pg18")]
        return pg_sys::RelationGetPrimaryKeyIndex(table, false);
        #[cfg(not(feature = "pg18"))]
        return pg_sys::RelationGetPrimaryKeyIndex(table);
    }
}

/// The type whose values a domain has; of other types themselves.
pub(super) fn base_type(type_oid: pg_sys::Oid) -> pg_sys::Oid {
    // SAFETY: looks a type up that is there.
    unsafe { pg_sys::getBaseType(type_oid) }
}
