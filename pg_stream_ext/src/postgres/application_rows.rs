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
use pgrx::{PgList, PgRelation};

use crate::postgres::caller::{Admitted, Caller};
use crate::postgres::catalogue;
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

impl Caller {
    /// The user for whom a call writes, who cannot be deleted before it ends: call this before
    /// anything is locked.
    pub fn act_for(self, named: Option<Uuid>) -> Result<Uuid> {
        let user = self.resolve_user(named)?;
        hold_user(self.admitted(), user)?;
        Ok(user)
    }
}

thread_local! {
    static USER: Reference = const { Reference::new(c"chat_messages", c"user_id") };
    static AUCTION: Reference = const { Reference::new(c"stream_sessions", c"auction_id") };
}

/// Locks the user's row; waits while the user is being deleted. Locks nothing when there is no such user, which a
/// foreign key of the caller reports.
pub fn hold_user(admitted: Admitted, user: Uuid) -> Result<()> {
    lock(admitted, &USER, user, Waiting::Block).map(|_| ())
}

/// Locks the user's row without waiting; returns false while the user is being deleted.
pub fn hold_user_if_free(admitted: Admitted, user: Uuid) -> Result<bool> {
    lock(admitted, &USER, user, Waiting::Skip)
}

/// Locks the auction of a stream that is about to begin. Waits while its key is changed, it is deleted, or another
/// transaction has locked it to start the stream itself. Comes after the user, because a user's auctions are deleted
/// after the user.
pub fn hold_auction(admitted: Admitted, auction: Uuid) -> Result<()> {
    lock(admitted, &AUCTION, auction, Waiting::Block).map(|_| ())
}

fn lock(
    admitted: Admitted,
    reference: &'static LocalKey<Reference>,
    id: Uuid,
    waiting: Waiting,
) -> Result<bool> {
    let Some(referenced) = reference.with(Reference::key) else {
        return Ok(true);
    };
    let key = Key {
        equal: referenced.equal,
        value: id.into_datum().ok_or(Failure::Row("a uuid is no datum"))?,
    };
    with_table(admitted, referenced.table, pg_sys::RowShareLock, |row| {
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
    let (constraint, table, operator) = find_foreign_key(reference)?;
    let index = |constraint: &pg_sys::FormData_pg_constraint| constraint.conindid;
    // SAFETY: the form of that cache.
    let index =
        unsafe { catalogue::read_row(pg_sys::SysCacheIdentifier::CONSTROID, constraint, index)? };
    // SAFETY: look-ups of what the constraint names.
    let (kind, equal) = unsafe { (pg_sys::get_rel_relkind(table), pg_sys::get_opcode(operator)) };
    // A partitioned table has no rows of its own.
    (kind == pg_sys::RELKIND_RELATION as core::ffi::c_char).then_some(ReferencedKey {
        table,
        index,
        equal,
    })
}

/// The constraint, the table that it refers to, and the operator that compares.
fn find_foreign_key(reference: &Reference) -> Option<(pg_sys::Oid, pg_sys::Oid, pg_sys::Oid)> {
    let table = catalogue::find_relation(c"stream", reference.table)?;
    // SAFETY: a look-up inside a transaction. The list belongs to the cache entry of the table, which is open until
    // everything is copied out of it.
    unsafe {
        let column = pg_sys::get_attnum(table, reference.column.as_ptr());
        let table = PgRelation::with_lock(table, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
        let keys = pg_sys::RelationGetFKeyList(table.as_ptr());
        PgList::<pg_sys::ForeignKeyCacheInfo>::from_pg(keys)
            .iter_ptr()
            .map(|key| &*key)
            .find(|key| key.nkeys == 1 && key.conkey[0] == column)
            .map(|key| (key.conoid, key.confrelid, key.conpfeqop[0]))
    }
}
