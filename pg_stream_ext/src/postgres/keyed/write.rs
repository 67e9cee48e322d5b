//! What does the executor need to write one row, and which values does a column take?

use std::ffi::CStr;
use std::ptr::null_mut;

use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;

use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::row::{Row, attribute};

/// What the executor needs to write one row.
pub struct Target {
    pub executor: *mut pg_sys::EState,
    pub info: *mut pg_sys::ResultRelInfo,
    pub next: *mut pg_sys::TupleTableSlot,
}

/// Calls `apply` to write `next` into the table.
///
/// # Safety
/// `next` must be a tuple of the row's table.
pub unsafe fn write<T>(row: &Row, next: pg_sys::HeapTuple, apply: impl FnOnce(&Target) -> T) -> T {
    // SAFETY: the table is open; everything that is made here lives in the executor's state and goes
    // with it.
    unsafe {
        let executor = pg_sys::CreateExecutorState();
        (*executor).es_output_cid = pg_sys::GetCurrentCommandId(true);
        let info = pg_sys::palloc0(size_of::<pg_sys::ResultRelInfo>());
        let info = info.cast::<pg_sys::ResultRelInfo>();
        (*info).type_ = pg_sys::NodeTag::T_ResultRelInfo;
        // Not in a range table: nobody asks for rights to columns.
        pg_sys::InitResultRelInfo(info, row.table, 0, null_mut(), 0);
        (*executor).es_opened_result_relations = pg_sys::lappend(null_mut(), info.cast());
        let slot = pg_sys::MakeSingleTupleTableSlot(
            (*row.table).rd_att,
            &raw const pg_sys::TTSOpsHeapTuple,
        );
        pg_sys::ExecStoreHeapTuple(next, slot, false);
        pg_sys::AfterTriggerBeginQuery();
        let answer = apply(&Target {
            executor,
            info,
            next: slot,
        });
        pg_sys::AfterTriggerEndQuery(executor);
        pg_sys::ExecResetTupleTable((*executor).es_tupleTable, false);
        // Closes the indexes, too.
        pg_sys::ExecCloseResultRelations(executor);
        pg_sys::ExecDropSingleTupleTableSlot(slot);
        pg_sys::FreeExecutorState(executor);
        // What comes next in the transaction sees it.
        pg_sys::CommandCounterIncrement();
        answer
    }
}

/// The number of a column that can take this value.
pub fn number_of(row: &Row, column: &CStr, value: &DatumWithOid<'_>) -> Result<i32> {
    // SAFETY: the table is open.
    let attribute = unsafe { attribute((*row.table).rd_att, column)? };
    if attribute.attnotnull && value.datum().is_none() {
        return Err(Failure::Row("a column is never null"));
    }
    // A domain's values are those of its base type.
    // SAFETY: a look-up of a type that is there.
    let is_of_type = value.oid() == attribute.atttypid
        || value.oid() == unsafe { pg_sys::getBaseType(attribute.atttypid) };
    if is_of_type {
        Ok(attribute.attnum.into())
    } else {
        Err(Failure::Row("a column is of another type"))
    }
}
