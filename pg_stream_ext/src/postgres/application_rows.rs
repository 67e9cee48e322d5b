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

use std::cell::Cell;
use std::ffi::CStr;
use std::thread::LocalKey;

use pgrx::datum::Uuid;
use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::{Key, Waiting, with_table};
use crate::postgres::relcache;

/// A column that refers to a table of the host application.
struct Reference {
    table: &'static CStr,
    column: &'static CStr,
    /// When that was found out, and what.
    key: Cell<Option<(u32, Option<ReferencedKey>)>>,
}

/// What a foreign key of one column refers to.
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

/// Waits while somebody deletes the user. Nothing is held where there is no such user, which the
/// caller finds out by itself.
pub fn hold_user(user: Uuid) -> Result<()> {
    lock(&USER, user, Waiting::Block).map(|_| ())
}

/// Does not wait; answers false for a user who is being deleted.
pub fn hold_user_if_free(user: Uuid) -> Result<bool> {
    lock(&USER, user, Waiting::Skip)
}

/// The auction of a stream that is about to begin. Waits while somebody changes its key, deletes it, or
/// has locked it to start the stream itself. After the user: a user's auctions are deleted after the
/// user.
pub fn hold_auction(auction: Uuid) -> Result<()> {
    lock(&AUCTION, auction, Waiting::Block).map(|_| ())
}

/// The auction of a stream, whose row a transaction is about to update for the second time: Postgres
/// then checks its references again. Does not wait; answers false for an auction that somebody holds.
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
        Ok(found.is_none() || !row.lock(mode, waiting).is_taken())
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
        let now = relcache::forgotten();
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

/// Nothing where the host application has no such key.
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
