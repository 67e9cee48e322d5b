//! Scans of an open table that see what is committed by now.

use std::ptr::null_mut;

use pgrx::prelude::*;

use crate::postgres::error::{Failure, Result};

/// A scan of an index from its end.
pub struct IndexScan {
    index: pg_sys::Relation,
    snapshot: pg_sys::Snapshot,
    scan: pg_sys::IndexScanDesc,
}

impl IndexScan {
    pub fn begin(
        table: pg_sys::Relation,
        index: pg_sys::Oid,
        conditions: &mut [pg_sys::ScanKeyData],
    ) -> Result<Self> {
        let count =
            i32::try_from(conditions.len()).map_err(|_| Failure::Row("a key is too long"))?;
        let snapshot = latest_snapshot();
        // SAFETY: the table is open; the conditions are copied, snapshot and index outlive the scan.
        unsafe {
            let index = pg_sys::index_open(index, lock_mode(pg_sys::AccessShareLock));
            #[cfg(feature = "pg18")]
            let scan = pg_sys::index_beginscan(table, index, snapshot, null_mut(), count, 0);
            #[cfg(not(feature = "pg18"))]
            let scan = pg_sys::index_beginscan(table, index, snapshot, count, 0);
            pg_sys::index_rescan(scan, conditions.as_mut_ptr(), count, null_mut(), 0);
            Ok(Self {
                index,
                snapshot,
                scan,
            })
        }
    }

    /// Puts the next row into the slot; false at the end.
    pub fn next(&self, slot: *mut pg_sys::TupleTableSlot) -> bool {
        let backward = pg_sys::ScanDirection::BackwardScanDirection;
        // SAFETY: the slot is one of the table.
        unsafe { pg_sys::index_getnext_slot(self.scan, backward, slot) }
    }

    pub fn end(self) {
        // SAFETY: all three were opened by `begin`.
        unsafe {
            pg_sys::index_endscan(self.scan);
            pg_sys::UnregisterSnapshot(self.snapshot);
            pg_sys::index_close(self.index, lock_mode(pg_sys::AccessShareLock));
        }
    }
}

/// A scan of a whole table.
pub struct TableScan {
    snapshot: pg_sys::Snapshot,
    scan: pg_sys::TableScanDesc,
}

impl TableScan {
    pub fn begin(table: pg_sys::Relation) -> Self {
        let snapshot = latest_snapshot();
        // SAFETY: the table is open; the snapshot outlives the scan.
        let scan = unsafe { pg_sys::table_beginscan(table, snapshot, 0, null_mut()) };
        Self { snapshot, scan }
    }

    /// Puts the next row into the slot; false at the end.
    pub fn next(&self, slot: *mut pg_sys::TupleTableSlot) -> bool {
        let forward = pg_sys::ScanDirection::ForwardScanDirection;
        // SAFETY: the slot is one of the table.
        unsafe { pg_sys::table_scan_getnextslot(self.scan, forward, slot) }
    }

    pub fn end(self) {
        // SAFETY: both were opened by `begin`.
        unsafe {
            pg_sys::table_endscan(self.scan);
            pg_sys::UnregisterSnapshot(self.snapshot);
        }
    }
}

pub fn lock_mode(mode: u32) -> pg_sys::LOCKMODE {
    mode as pg_sys::LOCKMODE
}

/// What is committed by now, until it is unregistered.
fn latest_snapshot() -> pg_sys::Snapshot {
    // SAFETY: inside a transaction.
    unsafe { pg_sys::RegisterSnapshot(pg_sys::GetLatestSnapshot()) }
}
