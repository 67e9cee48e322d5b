//! Writing one row with the executor's functions for single rows, which logical replication calls too.
//!
//! They see to indexes, CHECKs, generated columns and triggers for rows.

use std::ffi::CStr;
use std::ptr::null_mut;

use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;

use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::row::{Row, base_type};
use crate::postgres::keyed::values::Values;

/// Writes a new row; columns without a value are null.
pub fn insert<const N: usize>(row: &Row, columns: Values<N>) -> Result<()> {
    let count = row.column_count();
    let mut values = vec![pg_sys::Datum::null(); count];
    let mut nulls = vec![true; count];
    for (column, value) in columns {
        let number = number_of(row, column, &value)?;
        let place = usize::try_from(number - 1).map_err(|_| Failure::Row("a column is gone"))?;
        if let Some(datum) = value.datum() {
            values[place] = datum.sans_lifetime();
            nulls[place] = false;
        }
    }
    // SAFETY: there are as many values as columns, and their types are the table's.
    let tuple = unsafe {
        pg_sys::heap_form_tuple(row.descriptor(), values.as_mut_ptr(), nulls.as_mut_ptr())
    };
    write(row, tuple, |executor, table, next| {
        // SAFETY: a new row for the table that `write` has opened.
        unsafe { pg_sys::ExecSimpleRelationInsert(table, executor, next) };
    });
    Ok(())
}

/// Writes the next version of the row that was found, which must be locked: the executor raises XX000 at a
/// row that somebody else has changed meanwhile.
pub fn update<const N: usize>(row: &Row, changes: Values<N>) -> Result<()> {
    let mut columns = [0; N];
    let mut values = [pg_sys::Datum::null(); N];
    let mut nulls = [true; N];
    for (place, (column, value)) in changes.into_iter().enumerate() {
        columns[place] = number_of(row, column, &value)?;
        if let Some(datum) = value.datum() {
            values[place] = datum.sans_lifetime();
            nulls[place] = false;
        }
    }
    let count = i32::try_from(N).map_err(|_| Failure::Row("a table has no so many columns"))?;
    let (columns, values) = (columns.as_mut_ptr(), values.as_mut_ptr());
    let (old, row_type, nulls) = (row.slot, row.descriptor(), nulls.as_mut_ptr());
    // SAFETY: the slot holds a row of this table; numbers and types of the columns are the table's.
    let tuple = unsafe {
        let old = pg_sys::ExecFetchSlotHeapTuple(old, false, null_mut());
        pg_sys::heap_modify_tuple_by_cols(old, row_type, count, columns, values, nulls)
    };
    write(row, tuple, |executor, table, next| {
        let mut recheck = pg_sys::EPQState::default();
        begin_recheck(&mut recheck, executor);
        // SAFETY: the next version of a locked row of the table that `write` has opened.
        unsafe {
            pg_sys::ExecSimpleRelationUpdate(table, executor, &mut recheck, old, next);
            pg_sys::EvalPlanQualEnd(&mut recheck);
        }
    });
    Ok(())
}

/// For triggers before the update, which could find that the row has changed; there is no query to evaluate again.
fn begin_recheck(recheck: &mut pg_sys::EPQState, executor: *mut pg_sys::EState) {
    use std::ptr::null_mut as no;
    // SAFETY: initialises the state.
    unsafe {
        #[cfg(feature = "pg15")]
        pg_sys::EvalPlanQualInit(recheck, executor, no(), no(), -1);
        #[cfg(not(feature = "pg15"))]
        pg_sys::EvalPlanQualInit(recheck, executor, no(), no(), -1, no());
    }
}

/// Calls `apply` with an executor that has the table and its indexes open, and the tuple in a slot. Fires the
/// triggers that are not deferred, and lets the rest of the transaction see the row.
fn write(
    row: &Row,
    tuple: pg_sys::HeapTuple,
    apply: impl FnOnce(*mut pg_sys::EState, *mut pg_sys::ResultRelInfo, *mut pg_sys::TupleTableSlot),
) {
    // SAFETY: the table is open and the tuple is one of it. What is made here lives in the executor's state
    // and goes with it, as `apply_handle_update` of logical replication does it.
    unsafe {
        let executor = pg_sys::CreateExecutorState();
        (*executor).es_output_cid = pg_sys::GetCurrentCommandId(true);
        let table = pg_sys::palloc0(size_of::<pg_sys::ResultRelInfo>());
        let table = table.cast::<pg_sys::ResultRelInfo>();
        (*table).type_ = pg_sys::NodeTag::T_ResultRelInfo;
        // Not in a range table: nobody asks for rights to columns.
        pg_sys::InitResultRelInfo(table, row.table, 0, null_mut(), 0);
        (*executor).es_opened_result_relations = pg_sys::lappend(null_mut(), table.cast());
        let heap = &raw const pg_sys::TTSOpsHeapTuple;
        let next = pg_sys::MakeSingleTupleTableSlot(row.descriptor(), heap);
        pg_sys::ExecStoreHeapTuple(tuple, next, false);
        pg_sys::ExecOpenIndices(table, false);
        pg_sys::AfterTriggerBeginQuery();
        apply(executor, table, next);
        pg_sys::AfterTriggerEndQuery(executor);
        pg_sys::ExecResetTupleTable((*executor).es_tupleTable, false);
        // Closes the indexes, too.
        pg_sys::ExecCloseResultRelations(executor);
        pg_sys::ExecDropSingleTupleTableSlot(next);
        pg_sys::FreeExecutorState(executor);
        pg_sys::CommandCounterIncrement();
    }
}

/// The number of a column that can take this value.
fn number_of(row: &Row, column: &CStr, value: &DatumWithOid<'_>) -> Result<i32> {
    let attribute = row.attribute(column)?;
    if value.oid() == attribute.atttypid || value.oid() == base_type(attribute.atttypid) {
        Ok(attribute.attnum.into())
    } else {
        Err(Failure::Row("a column is of another type"))
    }
}
