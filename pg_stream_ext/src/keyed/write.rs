//! How does a new row, or the next version of one, get into its table and the table's indexes?

use std::ptr::null_mut;

use pgrx::prelude::*;

use super::Values;
use super::row::{Row, attribute};
use crate::error::{Failure, Result};

/// Writes the next version of this row, which is locked.
pub fn replace<const N: usize>(row: &Row, changes: Values<N>) -> Result<()> {
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
    let mut is_copy = false;
    // SAFETY: numbers and types of the columns are the table's; the slot holds a row, which is locked, so
    // that nobody changes it in between.
    unsafe {
        let next = pg_sys::heap_modify_tuple_by_cols(
            pg_sys::ExecFetchSlotHeapTuple(row.slot, false, &mut is_copy),
            (*row.table).rd_att,
            N as i32,
            columns.as_mut_ptr(),
            values.as_mut_ptr(),
            nulls.as_mut_ptr(),
        );
        write(row, next, |target, executor, next| {
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
            pg_sys::ExecSimpleRelationUpdate(target, executor, &mut recheck, row.slot, next);
            pg_sys::EvalPlanQualEnd(&mut recheck);
        });
    }
    Ok(())
}

/// Writes a new row; columns without a value are null.
pub fn insert<const N: usize>(row: &Row, columns: Values<N>) -> Result<()> {
    // SAFETY: the table is open.
    let count = usize::try_from(unsafe { (*(*row.table).rd_att).natts })
        .map_err(|_| Failure::Row("a table has no columns"))?;
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
    unsafe {
        let next =
            pg_sys::heap_form_tuple((*row.table).rd_att, values.as_mut_ptr(), nulls.as_mut_ptr());
        write(row, next, |target, executor, next| {
            pg_sys::ExecSimpleRelationInsert(target, executor, next);
        });
    }
    Ok(())
}

/// Calls `apply` with what the executor needs to write `next` into the table.
///
/// # Safety
/// `next` must be a tuple of the row's table.
unsafe fn write(
    row: &Row,
    next: pg_sys::HeapTuple,
    apply: impl FnOnce(*mut pg_sys::ResultRelInfo, *mut pg_sys::EState, *mut pg_sys::TupleTableSlot),
) {
    // SAFETY: the table is open; everything that is made here lives in the executor's state and goes
    // with it.
    unsafe {
        let executor = pg_sys::CreateExecutorState();
        (*executor).es_output_cid = pg_sys::GetCurrentCommandId(true);
        let target = pg_sys::palloc0(size_of::<pg_sys::ResultRelInfo>());
        let target = target.cast::<pg_sys::ResultRelInfo>();
        (*target).type_ = pg_sys::NodeTag::T_ResultRelInfo;
        // Not in a range table: nobody asks for rights to columns.
        pg_sys::InitResultRelInfo(target, row.table, 0, null_mut(), 0);
        (*executor).es_opened_result_relations = pg_sys::lappend(null_mut(), target.cast());
        let slot = pg_sys::MakeSingleTupleTableSlot(
            (*row.table).rd_att,
            &raw const pg_sys::TTSOpsHeapTuple,
        );
        pg_sys::ExecStoreHeapTuple(next, slot, false);
        pg_sys::AfterTriggerBeginQuery();
        pg_sys::ExecOpenIndices(target, false);
        apply(target, executor, slot);
        pg_sys::AfterTriggerEndQuery(executor);
        pg_sys::ExecResetTupleTable((*executor).es_tupleTable, false);
        // Closes the indexes, too.
        pg_sys::ExecCloseResultRelations(executor);
        pg_sys::ExecDropSingleTupleTableSlot(slot);
        pg_sys::FreeExecutorState(executor);
        // What comes next in the transaction sees it.
        pg_sys::CommandCounterIncrement();
    }
}

/// The number of a column that can take this value.
fn number_of(
    row: &Row,
    column: &std::ffi::CStr,
    value: &pgrx::datum::DatumWithOid<'_>,
) -> Result<i32> {
    // SAFETY: the table is open.
    let (number, type_oid) = unsafe { attribute((*row.table).rd_att, column)? };
    // A domain's values are those of its base type.
    // SAFETY: a look-up of a type that is there.
    if value.oid() == type_oid || value.oid() == unsafe { pg_sys::getBaseType(type_oid) } {
        Ok(number)
    } else {
        Err(Failure::Row("a column is of another type"))
    }
}
