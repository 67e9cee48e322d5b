//! From which columns are a table's generated columns made?
//!
//! Postgres finds out from the catalogue's text at every change of a row. Here it is remembered.

use std::cell::RefCell;
use std::ffi::c_char;
use std::ptr::null_mut;

use pgrx::prelude::*;

use crate::postgres::keyed::row::attributes;
use crate::postgres::relcache;

struct Sources {
    table: pg_sys::Oid,
    known_at: u32,
    columns: Vec<i32>,
}

thread_local! {
    static SOURCES: RefCell<Vec<Sources>> = const { RefCell::new(Vec::new()) };
}

/// Whether another value in one of these columns changes a generated column.
///
/// # Safety
/// The table must be open.
pub unsafe fn is_made_from(table: pg_sys::Relation, columns: &[i32]) -> bool {
    // SAFETY: an open table has a descriptor; constraints may be missing.
    let (oid, has_generated) = unsafe {
        let constraints = (*(*table).rd_att).constr;
        (
            (*table).rd_id,
            !constraints.is_null() && (*constraints).has_generated_stored,
        )
    };
    has_generated
        && known(oid, columns).unwrap_or_else(|| {
            // SAFETY: the caller's promise.
            let sources = unsafe { Sources::find_out(table, oid) };
            let answer = sources.include(columns);
            SOURCES.with_borrow_mut(|all| {
                all.retain(|other| other.table != oid);
                all.push(sources);
            });
            answer
        })
}

/// Nothing: it must be found out.
fn known(table: pg_sys::Oid, columns: &[i32]) -> Option<bool> {
    let now = relcache::invalidations();
    SOURCES.with_borrow(|all| {
        let sources = all
            .iter()
            .find(|sources| sources.table == table && sources.known_at == now)?;
        Some(sources.include(columns))
    })
}

impl Sources {
    fn include(&self, columns: &[i32]) -> bool {
        // Number 0 stands for the row as a whole.
        self.columns
            .iter()
            .any(|source| *source == 0 || columns.contains(source))
    }

    /// # Safety
    /// The table must be open.
    unsafe fn find_out(table: pg_sys::Relation, oid: pg_sys::Oid) -> Self {
        let known_at = relcache::invalidations();
        let mut columns = Vec::new();
        // SAFETY: numbers of columns are the descriptor's; the expressions live in the current memory
        // context.
        unsafe {
            for attribute in attributes((*table).rd_att) {
                if attribute.attgenerated != pg_sys::ATTRIBUTE_GENERATED_STORED as c_char {
                    continue;
                }
                let expression = pg_sys::build_column_default(table, attribute.attnum.into());
                let mut found = null_mut();
                pg_sys::pull_varattnos(expression, 1, &mut found);
                let mut member = pg_sys::bms_next_member(found, -1);
                while member >= 0 {
                    columns.push(member + pg_sys::FirstLowInvalidHeapAttributeNumber);
                    member = pg_sys::bms_next_member(found, member);
                }
            }
        }
        Self {
            table: oid,
            known_at,
            columns,
        }
    }
}
