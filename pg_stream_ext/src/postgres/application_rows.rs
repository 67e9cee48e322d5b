//! Locking rows of the host application: users and auctions, so that they are not deleted during a call.
//!
//! Rows that a call writes refer to the user's row, and Postgres locks that row (FOR KEY SHARE) when it
//! checks the first reference, after rows of the product. The deletion of the user holds that row while it waits for
//! rows of the product, so the two would deadlock. Therefore a call locks it before anything else: rows of the host
//! application come first.
//!
//! Only the host application's migration names these tables; here a table is the one that the foreign key of
//! `chat_messages.user_id`, or `stream_sessions.auction_id`, refers to. The row is found as that key's own check does
//! it, by the index of the key and whatever the rights of the caller are, but without a statement, because every
//! message needs it.

use std::cell::Cell;
use std::ffi::CStr;
use std::thread::LocalKey;

use pgrx::datum::Uuid;
use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::{Key, Locked, Waiting, with_table};
use crate::postgres::relcache;

/// A column that refers to a table of the host application.
struct Reference {
    table: &'static CStr,
    column: &'static CStr,
    /// The cached key, with the count of relcache invalidations at that time.
    key: Cell<Option<(u32, Option<ReferencedKey>)>>,
}

/// The table and index that a foreign key of one column refers to.
#[derive(Clone, Copy)]
struct ReferencedKey {
    table: pg_sys::Oid,
    index: pg_sys::Oid,
    equal: pg_sys::RegProcedure,
}

thread_local! {
    static USER: Reference = const { Reference::new(c"chat_messages", c"user_id") };
    static AUCTION: Reference = const { Reference::new(c"stream_sessions", c"auction_id") };
}

/// Locks the user's row; waits while the user is being deleted. Locks nothing when there is no such user, which a
/// foreign key of the caller reports.
pub fn hold_user(user: Uuid) -> Result<()> {
    lock(&USER, user, Waiting::Block).map(|_| ())
}

/// Locks the user's row without waiting; returns false while the user is being deleted.
pub fn hold_user_if_free(user: Uuid) -> Result<bool> {
    lock(&USER, user, Waiting::Skip)
}

/// Locks the auction of a stream that is about to begin. Waits while its key is changed, it is deleted, or another
/// transaction has locked it to start the stream itself. Comes after the user, because a user's auctions are deleted
/// after the user.
pub fn hold_auction(auction: Uuid) -> Result<()> {
    lock(&AUCTION, auction, Waiting::Block).map(|_| ())
}

/// Locks the auction of a stream whose row a transaction is about to update for the second time: Postgres then checks
/// its foreign keys again. Does not wait; returns false when the auction is locked.
pub fn hold_auction_if_free(auction: Uuid) -> Result<bool> {
    lock(&AUCTION, auction, Waiting::Skip)
}

fn lock(reference: &'static LocalKey<Reference>, id: Uuid, waiting: Waiting) -> Result<bool> {
    // SAFETY: raises, as a statement that locks a row would; a standby could not lock it at all.
    unsafe { pg_sys::PreventCommandIfReadOnly(c"SELECT FOR KEY SHARE".as_ptr()) };
    let Some(referenced) = reference.with(Reference::key) else {
        return Ok(true);
    };
    let key = Key {
        equal: referenced.equal,
        value: id.into_datum().ok_or(Failure::Row("a uuid is no datum"))?,
    };
    with_table(referenced.table, pg_sys::RowShareLock, |row| {
        let found = row.find(Some(referenced.index), &[key], |_| Ok(Some(())))?;
        let mode = pg_sys::LockTupleMode::LockTupleKeyShare;
        Ok(found.is_none() || !matches!(row.lock(mode, waiting), Locked::Taken))
    })
}

impl Reference {
    const fn new(table: &'static CStr, column: &'static CStr) -> Self {
        Self {
            table,
            column,
            key: Cell::new(None),
        }
    }

    fn key(&self) -> Option<ReferencedKey> {
        let now = relcache::invalidations();
        if let Some((known_at, key)) = self.key.get()
            && known_at == now
        {
            return key;
        }
        let key = find_referenced_key(self);
        self.key.set(Some((now, key)));
        key
    }
}

/// Finds the key in the catalogue; none where the host application has no such foreign key.
fn find_referenced_key(reference: &Reference) -> Option<ReferencedKey> {
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
        pg_sys::table_close(relation, pg_sys::AccessShareLock as i32);
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
            || ReferencedKey {
                table,
                index,
                equal: pg_sys::get_opcode(operator),
            },
        )
    }
}
