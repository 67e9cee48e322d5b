//! How does a call keep the user whom it writes about from being deleted in between?
//!
//! What is written refers to the user's row, and Postgres locks that row (FOR KEY SHARE) when it
//! checks the first reference: behind rows of the product. Whoever deletes the user holds that row
//! while they wait for rows of the product, so the two would wait for each other in a circle.
//! Therefore a call locks it before anything else, as rows of the host application come first.
//!
//! Only the host application's migration names that table; here it is what the foreign key of
//! `chat_messages.user_id` refers to, and likewise for an auction. The row is looked up as that key's own check does it, through the index behind
//! the key and whatever the rights of the caller are, but without a statement: sending a message
//! comes by here.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ptr;

use pgrx::datum::Uuid;
use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::error::{Failure, Result};

/// A column that refers to a table of the host application.
#[derive(Clone, Copy)]
struct Reference {
    table: &'static CStr,
    column: &'static CStr,
}

const USER: Reference = Reference {
    table: c"chat_messages",
    column: c"user_id",
};
const AUCTION: Reference = Reference {
    table: c"stream_sessions",
    column: c"auction_id",
};

/// What a foreign key of one column refers to.
struct Target {
    table: pg_sys::Oid,
    index: pg_sys::Oid,
    equal: pg_sys::RegProcedure,
}

/// Waits while somebody deletes the user. Nothing is held where there is no such user, which the
/// caller finds out by itself.
pub fn hold(user: Uuid) -> Result<()> {
    lock(USER, user, pg_sys::LockWaitPolicy::LockWaitBlock).map(|_| ())
}

/// Does not wait; answers false for a user who is being deleted.
pub fn hold_if_free(user: Uuid) -> Result<bool> {
    lock(USER, user, pg_sys::LockWaitPolicy::LockWaitSkip)
}

/// The auction of a stream that is about to begin. Waits while somebody changes its key, deletes it, or
/// has locked it to start the stream itself. After the user: a user's auctions are deleted after the
/// user.
pub fn hold_auction(auction: Uuid) -> Result<()> {
    lock(AUCTION, auction, pg_sys::LockWaitPolicy::LockWaitBlock).map(|_| ())
}

/// The auction of a stream, whose row a transaction is about to update for the second time: Postgres
/// then checks its references again. Does not wait; answers false for an auction that somebody holds.
pub fn hold_auction_if_free(auction: Uuid) -> Result<bool> {
    lock(AUCTION, auction, pg_sys::LockWaitPolicy::LockWaitSkip)
}

fn lock(reference: Reference, id: Uuid, wait: pg_sys::LockWaitPolicy::Type) -> Result<bool> {
    // SAFETY: raises, as a statement that locks a row would; a standby could not lock it at all.
    unsafe { pg_sys::PreventCommandIfReadOnly(c"SELECT FOR KEY SHARE".as_ptr()) };
    let Some(target) = find_target(reference) else {
        return Ok(true);
    };
    let key = id.into_datum().ok_or(Failure::Row("a uuid is no datum"))?;
    // SAFETY: the table and the index are those of a constraint, whose column is compared with a uuid.
    Ok(unsafe { lock_row(&target, key, wait) })
}

/// Nothing where the host application has no such key.
fn find_target(reference: Reference) -> Option<Target> {
    // SAFETY: catalogue look-ups inside a transaction. The list belongs to the cache entry of the
    // relation, which is open until everything is copied out of it.
    let (constraint, table, operator) = unsafe {
        let schema = pg_sys::get_namespace_oid(c"stream".as_ptr(), true);
        let referring = pg_sys::get_relname_relid(reference.table.as_ptr(), schema);
        let column = pg_sys::get_attnum(referring, reference.column.as_ptr());
        let relation = pg_sys::table_open(referring, pg_sys::AccessShareLock as i32);
        let keys = pgrx::PgList::<pg_sys::ForeignKeyCacheInfo>::from_pg(
            pg_sys::RelationGetFKeyList(relation),
        );
        let found = keys
            .iter_ptr()
            .find(|key| (**key).nkeys == 1 && (**key).conkey[0] == column)
            .map(|key| ((*key).conoid, (*key).confrelid, (*key).conpfeqop[0]));
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
        found?
    };
    // SAFETY: as above; the tuple is released.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::CONSTROID as i32,
            pg_sys::Datum::from(constraint),
        );
        if tuple.is_null() {
            return None;
        }
        let form: pg_sys::Form_pg_constraint = pg_sys::GETSTRUCT(tuple).cast();
        let index = (*form).conindid;
        pg_sys::ReleaseSysCache(tuple);
        // A partitioned table has no rows of its own.
        (pg_sys::get_rel_relkind(table) == pg_sys::RELKIND_RELATION as core::ffi::c_char).then(
            || Target {
                table,
                index,
                equal: pg_sys::get_opcode(operator),
            },
        )
    }
}

/// Answers false when the row may not be waited for and somebody holds it.
///
/// # Safety
///
/// `target` is that of a foreign key, and `key` a value of its type.
unsafe fn lock_row(
    target: &Target,
    key: pg_sys::Datum,
    wait: pg_sys::LockWaitPolicy::Type,
) -> bool {
    // SAFETY: everything is opened, used and closed here, in the order of Postgres's own executor; after an error the end of the
    // transaction closes it.
    unsafe {
        let lock_mode = pg_sys::RowShareLock as i32;
        let table = pg_sys::table_open(target.table, lock_mode);
        let index = pg_sys::index_open(target.index, lock_mode);
        let snapshot = pg_sys::RegisterSnapshot(pg_sys::GetLatestSnapshot());
        let slot = pg_sys::table_slot_create(table, ptr::null_mut());
        let mut scan_key = MaybeUninit::<pg_sys::ScanKeyData>::zeroed();
        pg_sys::ScanKeyInit(
            scan_key.as_mut_ptr(),
            1,
            pg_sys::BTEqualStrategyNumber as u16,
            target.equal,
            key,
        );
        let scan = pg_sys::index_beginscan(table, index, snapshot, 1, 0);
        pg_sys::index_rescan(scan, scan_key.as_mut_ptr(), 1, ptr::null_mut(), 0);
        let forward = pg_sys::ScanDirection::ForwardScanDirection;
        let is_held = !pg_sys::index_getnext_slot(scan, forward, slot)
            || lock_tuple(table, snapshot, slot, wait);
        pg_sys::index_endscan(scan);
        pg_sys::ExecDropSingleTupleTableSlot(slot);
        pg_sys::UnregisterSnapshot(snapshot);
        pg_sys::index_close(index, pg_sys::NoLock as i32);
        pg_sys::table_close(table, pg_sys::NoLock as i32);
        is_held
    }
}

/// # Safety
///
/// The slot holds a row of the table that the snapshot sees.
unsafe fn lock_tuple(
    table: pg_sys::Relation,
    snapshot: pg_sys::Snapshot,
    slot: *mut pg_sys::TupleTableSlot,
    wait: pg_sys::LockWaitPolicy::Type,
) -> bool {
    // A row that was changed meanwhile is followed to its newest version, as READ COMMITTED does.
    let flags =
        pg_sys::TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS | pg_sys::TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
    let mut failure = MaybeUninit::<pg_sys::TM_FailureData>::zeroed();
    // SAFETY: the caller's promise; every table of Postgres has this method. The place is copied,
    // because the method writes into the slot.
    let outcome = unsafe {
        let mut place = (*slot).tts_tid;
        let Some(lock) = (*(*table).rd_tableam).tuple_lock else {
            return true;
        };
        lock(
            table,
            &raw mut place,
            snapshot,
            slot,
            pg_sys::GetCurrentCommandId(true),
            pg_sys::LockTupleMode::LockTupleKeyShare,
            wait,
            flags as u8,
            failure.as_mut_ptr(),
        )
    };
    outcome != pg_sys::TM_Result::TM_WouldBlock
}
