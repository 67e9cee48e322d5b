//! How does the next version of a row get into its table?
//!
//! The executor's function for that, which logical replication calls, opens every index and parses every
//! generated column before it writes. A version that has to do with none of them is written without.

use std::ptr::null_mut;

use pgrx::prelude::*;

use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::Values;
use crate::postgres::keyed::generated;
use crate::postgres::keyed::row::Row;
use crate::postgres::keyed::write::{Target, number_of, write};

/// Whether somebody else may change the row between its reading and its writing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Held {
    Locked,
    Unlocked,
}

/// Writes the next version of the row. False, and nothing is done, when the row must be locked and read
/// again first: somebody holds it or was quicker, or the table asks for more than a plain update.
pub fn replace<const N: usize>(row: &Row, held: Held, changes: Values<N>) -> Result<bool> {
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
    // SAFETY: the slot holds a row of this open table; numbers and types of the columns are the table's.
    unsafe {
        let is_plain = is_plain(row.table, &columns);
        if !is_plain && held == Held::Unlocked {
            return Ok(false);
        }
        let mut is_copy = false;
        let next = pg_sys::heap_modify_tuple_by_cols(
            pg_sys::ExecFetchSlotHeapTuple(row.slot, false, &mut is_copy),
            (*row.table).rd_att,
            N as i32,
            columns.as_mut_ptr(),
            values.as_mut_ptr(),
            nulls.as_mut_ptr(),
        );
        let is_written = write(row, next, |target| {
            if is_plain {
                return replace_plainly(target, row.slot, held);
            }
            replace_with_all(target, row.slot);
            true
        });
        match held {
            Held::Locked if !is_written => Err(Failure::Row("a locked row was changed")),
            _ => Ok(is_written),
        }
    }
}

/// Whether nothing but indexes and triggers after the change has to do with a change of these columns.
///
/// # Safety
/// The table must be open.
unsafe fn is_plain(table: pg_sys::Relation, columns: &[i32]) -> bool {
    // SAFETY: the caller's promise; triggers and constraints may be missing.
    unsafe {
        let triggers = (*table).trigdesc;
        let constraints = (*(*table).rd_att).constr;
        (triggers.is_null() || !(*triggers).trig_update_before_row)
            && (constraints.is_null() || (*constraints).num_check == 0)
            && !(*(*table).rd_rel).relispartition
            && !generated::is_made_from(table, columns)
    }
}

/// False: somebody holds the row, or has changed it. Of a row that is locked nobody does, though others
/// may hold its key.
///
/// # Safety
/// `old` holds a version of a row of the target's table, of which the target's is the next.
unsafe fn replace_plainly(target: &Target, old: *mut pg_sys::TupleTableSlot, held: Held) -> bool {
    // SAFETY: the caller's promise; the place of the old version is copied, because that of the next is
    // written into its slot.
    unsafe {
        let Target {
            executor,
            info,
            next,
        } = *target;
        let table = (*info).ri_RelationDesc;
        pg_sys::CheckCmdReplicaIdentity(table, pg_sys::CmdType::CMD_UPDATE);
        leave_generated_columns(info);
        let mut place = (*old).tts_tid;
        let mut failure = pg_sys::TM_FailureData::default();
        let mut lock_mode = pg_sys::LockTupleMode::LockTupleNoKeyExclusive;
        let mut indexes = Indexes::default();
        let outcome = pg_sys::table_tuple_update(
            table,
            &mut place,
            next,
            (*executor).es_output_cid,
            pg_sys::GetActiveSnapshot(),
            null_mut(),
            held == Held::Locked,
            &mut failure,
            &mut lock_mode,
            &mut indexes,
        );
        if outcome != pg_sys::TM_Result::TM_Ok {
            return false;
        }
        let rechecks = if indexes == Indexes::default() {
            null_mut()
        } else {
            pg_sys::ExecOpenIndices(info, false);
            #[cfg(feature = "pg15")]
            let rechecks = pg_sys::ExecInsertIndexTuples(
                info,
                next,
                executor,
                true,
                false,
                null_mut(),
                null_mut(),
            );
            #[cfg(not(feature = "pg15"))]
            let rechecks = pg_sys::ExecInsertIndexTuples(
                info,
                next,
                executor,
                true,
                false,
                null_mut(),
                null_mut(),
                indexes == pg_sys::TU_UpdateIndexes::TU_Summarizing,
            );
            rechecks
        };
        pg_sys::ExecARUpdateTriggers(
            executor,
            info,
            null_mut(),
            null_mut(),
            &mut place,
            null_mut(),
            next,
            rechecks,
            null_mut(),
            false,
        );
        true
    }
}

/// Tells the executor that no generated column changes, as it would find out itself.
///
/// # Safety
/// The relation must be initialised.
unsafe fn leave_generated_columns(info: *mut pg_sys::ResultRelInfo) {
    // SAFETY: the caller's promise; there is a place for each column's expression, and all are empty.
    unsafe {
        let columns = (*(*(*info).ri_RelationDesc).rd_att).natts;
        let columns = usize::try_from(columns).unwrap_or(0);
        let expressions = pg_sys::palloc0(columns * size_of::<*mut pg_sys::ExprState>());
        #[cfg(feature = "pg15")]
        {
            (*info).ri_GeneratedExprs = expressions.cast();
        }
        #[cfg(not(feature = "pg15"))]
        {
            (*info).ri_GeneratedExprsU = expressions.cast();
            #[cfg(feature = "pg18")]
            {
                (*info).ri_extraUpdatedCols_valid = true;
            }
        }
    }
}

/// Which indexes need an entry for the next version; by default none.
#[cfg(feature = "pg15")]
type Indexes = bool;
#[cfg(not(feature = "pg15"))]
type Indexes = pg_sys::TU_UpdateIndexes::Type;

/// With CHECKs, generated columns and triggers before the change.
///
/// # Safety
/// `old` holds a row of the target's table, which is locked, and of which the target's is the next version.
unsafe fn replace_with_all(target: &Target, old: *mut pg_sys::TupleTableSlot) {
    // SAFETY: the caller's promise.
    unsafe {
        let Target {
            executor,
            info,
            next,
        } = *target;
        let mut recheck = pg_sys::EPQState::default();
        #[cfg(feature = "pg15")]
        pg_sys::EvalPlanQualInit(&mut recheck, executor, null_mut(), null_mut(), -1);
        #[cfg(not(feature = "pg15"))]
        pg_sys::EvalPlanQualInit(
            &mut recheck,
            executor,
            null_mut(),
            null_mut(),
            -1,
            null_mut(),
        );
        pg_sys::ExecOpenIndices(info, false);
        pg_sys::ExecSimpleRelationUpdate(info, executor, &mut recheck, old, next);
        pg_sys::EvalPlanQualEnd(&mut recheck);
    }
}
