//! How is one row found by its key, and changed, without a statement?
//!
//! To start a statement costs more than what it does to a single row, and a call that is made for every
//! viewer can save that. Constraints, indexes and triggers hold as they do for a statement: the executor's
//! functions for single rows do the work, the same with which logical replication applies its changes.
//! Rights and policies are not asked for, so this is for callers whom [`crate::caller`] has admitted as
//! the owner of the tables.

use std::ffi::CStr;
use std::ptr::null_mut;

use pgrx::datum::{DatumWithOid, FromDatum, IntoDatum, Uuid};
use pgrx::prelude::*;

use crate::error::{Failure, Result};

/// A table of schema `stream`, and the unique index by which its rows are found: its primary key,
/// unless another is named.
pub struct Table {
    name: &'static CStr,
    index: Option<&'static CStr>,
}

/// A row as it was found; gone when the closure that reads it returns.
pub struct Row {
    slot: *mut pg_sys::TupleTableSlot,
}

/// Columns that get other values.
pub type Changes<const N: usize> = [(&'static CStr, DatumWithOid<'static>); N];

impl Table {
    pub const fn new(name: &'static CStr) -> Self {
        Self { name, index: None }
    }

    pub const fn by_index(name: &'static CStr, index: &'static CStr) -> Self {
        Self {
            name,
            index: Some(index),
        }
    }

    /// What `read` gives for the first row of which it gives anything. The index begins with
    /// the uuids of `key`. Sees what is committed by now.
    pub fn find<T>(
        &self,
        key: &[Uuid],
        read: impl FnMut(&Row) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        self.open(pg_sys::AccessShareLock, |table, row| {
            self.scan(table, row, key, read)
        })
    }

    /// Locks the row with this key as an update would, waiting for whoever changes it now, and changes
    /// its newest version as `change` says. Nothing when there is no such row, or when `change` gives
    /// nothing. The key itself never changes. Of the table's triggers, those for statements and those for
    /// named columns are not fired.
    pub fn update<T, const N: usize>(
        &self,
        key: &[Uuid],
        change: impl FnOnce(&Row) -> Result<Option<(T, Changes<N>)>>,
    ) -> Result<Option<T>> {
        self.open(pg_sys::RowExclusiveLock, |table, row| {
            if self.scan(table, row, key, |_| Ok(Some(())))?.is_none() || !row.lock(table) {
                return Ok(None);
            }
            let Some((answer, changes)) = change(row)? else {
                return Ok(None);
            };
            row.replace(table, changes)?;
            Ok(Some(answer))
        })
    }

    /// What an error leaves open, the end of the transaction closes.
    fn open<T>(
        &self,
        mode: u32,
        work: impl FnOnce(pg_sys::Relation, &Row) -> Result<T>,
    ) -> Result<T> {
        let table = oid_of(self.name)?;
        // SAFETY: the table's lock is kept until the transaction ends, as a statement keeps it; the slot
        // goes before the table is closed.
        unsafe {
            let table = pg_sys::table_open(table, lock_mode(mode));
            let row = Row {
                slot: pg_sys::table_slot_create(table, null_mut()),
            };
            let answer = work(table, &row);
            pg_sys::ExecDropSingleTupleTableSlot(row.slot);
            pg_sys::table_close(table, lock_mode(pg_sys::NoLock));
            answer
        }
    }

    fn scan<T>(
        &self,
        table: pg_sys::Relation,
        row: &Row,
        key: &[Uuid],
        mut read: impl FnMut(&Row) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let mut conditions = Vec::with_capacity(key.len());
        let count = i32::try_from(key.len()).map_err(|_| Failure::Row("a key is too long"))?;
        for (place, value) in (1..).zip(key) {
            let mut condition = pg_sys::ScanKeyData::default();
            let value = value.into_datum().unwrap_or(pg_sys::Datum::null());
            // SAFETY: initialises the condition; `uuid = uuid` is built in.
            unsafe {
                pg_sys::ScanKeyInit(
                    &mut condition,
                    place,
                    pg_sys::BTEqualStrategyNumber as pg_sys::StrategyNumber,
                    pg_sys::F_UUID_EQ.into(),
                    value,
                );
            }
            conditions.push(condition);
        }
        let index = match self.index {
            Some(name) => oid_of(name)?,
            // SAFETY: the table is open.
            None => unsafe { pg_sys::RelationGetPrimaryKeyIndex(table) },
        };
        // SAFETY: the table is open; conditions, snapshot and index outlive the scan.
        unsafe {
            let index = pg_sys::index_open(index, lock_mode(pg_sys::AccessShareLock));
            let snapshot = pg_sys::RegisterSnapshot(pg_sys::GetLatestSnapshot());
            let scan = pg_sys::index_beginscan(table, index, snapshot, count, 0);
            pg_sys::index_rescan(scan, conditions.as_mut_ptr(), count, null_mut(), 0);
            let mut found = Ok(None);
            while matches!(found, Ok(None))
                && pg_sys::index_getnext_slot(
                    scan,
                    pg_sys::ScanDirection::ForwardScanDirection,
                    row.slot,
                )
            {
                found = read(row);
            }
            pg_sys::index_endscan(scan);
            pg_sys::UnregisterSnapshot(snapshot);
            pg_sys::index_close(index, lock_mode(pg_sys::NoLock));
            found
        }
    }
}

impl Row {
    /// A column that may be null.
    pub fn nullable<T: FromDatum + IntoDatum>(&self, column: &CStr) -> Result<Option<T>> {
        // SAFETY: the slot holds a row, of which the type of the column is asked before it is read.
        unsafe {
            let (number, mut type_oid) = attribute((*self.slot).tts_tupleDescriptor, column)?;
            if !T::is_compatible_with(type_oid) {
                // A domain's values are those of its base type.
                type_oid = pg_sys::getBaseType(type_oid);
            }
            if !T::is_compatible_with(type_oid) {
                return Err(Failure::Row("a column is of another type"));
            }
            let mut is_null = false;
            let datum = pg_sys::slot_getattr(self.slot, number, &mut is_null);
            Ok(T::from_polymorphic_datum(datum, is_null, type_oid))
        }
    }

    /// A column that is never null.
    pub fn column<T: FromDatum + IntoDatum>(&self, column: &CStr) -> Result<T> {
        self.nullable(column)?
            .ok_or(Failure::Row("a column was unexpectedly null"))
    }

    /// Locks the newest version and reads it. False when the row was deleted meanwhile.
    fn lock(&self, table: pg_sys::Relation) -> bool {
        let flags = pg_sys::TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS
            | pg_sys::TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
        let mut failure = pg_sys::TM_FailureData::default();
        // SAFETY: the slot holds a row of this open table; its place is copied, because the lock
        // writes the slot.
        let result = unsafe {
            let mut place = (*self.slot).tts_tid;
            pg_sys::table_tuple_lock(
                table,
                &mut place,
                pg_sys::GetActiveSnapshot(),
                self.slot,
                pg_sys::GetCurrentCommandId(false),
                pg_sys::LockTupleMode::LockTupleNoKeyExclusive,
                pg_sys::LockWaitPolicy::LockWaitBlock,
                flags as u8,
                &mut failure,
            )
        };
        result == pg_sys::TM_Result::TM_Ok
    }

    /// Writes the next version of this row, which is locked.
    fn replace<const N: usize>(&self, table: pg_sys::Relation, changes: Changes<N>) -> Result<()> {
        // SAFETY: everything that is made here lives in the executor's state and goes with it; the row
        // is locked, so that nobody changes it in between.
        unsafe {
            let descriptor = (*table).rd_att;
            let next = self.with(descriptor, changes)?;
            let executor = pg_sys::CreateExecutorState();
            (*executor).es_output_cid = pg_sys::GetCurrentCommandId(true);
            let target = pg_sys::palloc0(size_of::<pg_sys::ResultRelInfo>());
            let target = target.cast::<pg_sys::ResultRelInfo>();
            (*target).type_ = pg_sys::NodeTag::T_ResultRelInfo;
            // Not in a range table: nobody asks for rights to columns.
            pg_sys::InitResultRelInfo(target, table, 0, null_mut(), 0);
            (*executor).es_opened_result_relations = pg_sys::lappend(null_mut(), target.cast());
            let slot =
                pg_sys::MakeSingleTupleTableSlot(descriptor, &raw const pg_sys::TTSOpsHeapTuple);
            pg_sys::ExecStoreHeapTuple(next, slot, false);
            let mut recheck = pg_sys::EPQState::default();
            #[cfg(feature = "pg15")]
            pg_sys::EvalPlanQualInit(&mut recheck, executor, null_mut(), null_mut(), -1);
            #[cfg(feature = "pg17")]
            pg_sys::EvalPlanQualInit(
                &mut recheck,
                executor,
                null_mut(),
                null_mut(),
                -1,
                null_mut(),
            );
            pg_sys::AfterTriggerBeginQuery();
            pg_sys::ExecOpenIndices(target, false);
            pg_sys::ExecSimpleRelationUpdate(target, executor, &mut recheck, self.slot, slot);
            pg_sys::AfterTriggerEndQuery(executor);
            pg_sys::EvalPlanQualEnd(&mut recheck);
            pg_sys::ExecResetTupleTable((*executor).es_tupleTable, false);
            // Closes the indexes, too.
            pg_sys::ExecCloseResultRelations(executor);
            pg_sys::ExecDropSingleTupleTableSlot(slot);
            pg_sys::FreeExecutorState(executor);
            // What comes next in the transaction sees it.
            pg_sys::CommandCounterIncrement();
        }
        Ok(())
    }

    /// A copy of the row with other values in some columns.
    fn with<const N: usize>(
        &self,
        descriptor: pg_sys::TupleDesc,
        changes: Changes<N>,
    ) -> Result<pg_sys::HeapTuple> {
        let (mut values, mut nulls, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        for (column, value) in changes {
            // SAFETY: the descriptor is the open table's.
            let (number, type_oid) = unsafe { attribute(descriptor, column)? };
            if type_oid != value.oid() {
                return Err(Failure::Row("a column is of another type"));
            }
            let datum = value.datum().map(|datum| datum.sans_lifetime());
            numbers.push(number);
            nulls.push(datum.is_none());
            values.push(datum.unwrap_or(pg_sys::Datum::null()));
        }
        let mut is_copy = false;
        // SAFETY: numbers and types of the columns are the descriptor's; the slot holds a row.
        unsafe {
            let tuple = pg_sys::ExecFetchSlotHeapTuple(self.slot, false, &mut is_copy);
            Ok(pg_sys::heap_modify_tuple_by_cols(
                tuple,
                descriptor,
                N as i32,
                numbers.as_mut_ptr(),
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            ))
        }
    }
}

/// A table or an index of schema `stream`.
fn oid_of(name: &CStr) -> Result<pg_sys::Oid> {
    // SAFETY: look-ups by constant names inside a transaction.
    let oid = unsafe {
        let schema = pg_sys::get_namespace_oid(c"stream".as_ptr(), true);
        pg_sys::get_relname_relid(name.as_ptr(), schema)
    };
    if oid == pg_sys::InvalidOid {
        return Err(Failure::Row("a table or an index is gone"));
    }
    Ok(oid)
}

/// Number and type of a column.
///
/// # Safety
/// The descriptor must be valid.
unsafe fn attribute(descriptor: pg_sys::TupleDesc, column: &CStr) -> Result<(i32, pg_sys::Oid)> {
    // SAFETY: a descriptor has as many attributes as it says, and their names are terminated.
    let found = unsafe {
        let count = usize::try_from((*descriptor).natts).unwrap_or(0);
        (*descriptor)
            .attrs
            .as_slice(count)
            .iter()
            .find(|attribute| {
                !attribute.attisdropped && CStr::from_ptr(attribute.attname.data.as_ptr()) == column
            })
    };
    let attribute = found.ok_or(Failure::Row("a column is gone"))?;
    Ok((attribute.attnum.into(), attribute.atttypid))
}

fn lock_mode(mode: u32) -> pg_sys::LOCKMODE {
    mode as pg_sys::LOCKMODE
}
