//! How does a new row get into its table and the table's indexes?

use pgrx::prelude::*;

use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::Values;
use crate::postgres::keyed::row::Row;
use crate::postgres::keyed::write::{number_of, write};

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
        write(row, next, |target| {
            pg_sys::ExecOpenIndices(target.info, false);
            pg_sys::ExecSimpleRelationInsert(target.info, target.executor, target.next);
        });
    }
    Ok(())
}
