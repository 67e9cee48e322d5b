//! Which settings hold now, without reading their tables in every call?
//!
//! A backend keeps what it read until Postgres tells it that one of the tables has changed: triggers
//! on them invalidate the relation's cache entry with the change, and Postgres delivers that to every
//! backend before it takes its next lock on a table.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use pgrx::prelude::*;

use crate::caller;
use crate::error::{Failure, Result, answer, required};
use crate::spi::{self, column, statements};

statements! {
    READ: Write []
        "select c.tableoid, to_regclass('stream.blocked_terms')::oid,
             c.chat_interval_ms, c.chat_burst, c.host_chat_interval_ms, c.host_chat_burst,
             c.anonymous_users_may_chat, c.epoch_salt,
             exists (select from stream.blocked_terms as b)
         from stream.config as c";
}

/// How often one user may write.
#[derive(Clone, Copy)]
pub struct ChatRate {
    pub interval_ms: i32,
    pub burst: i32,
}

pub struct Settings {
    tables: [pg_sys::Oid; 2],
    pub viewers: ChatRate,
    pub hosts: ChatRate,
    pub anonymous_users_may_chat: bool,
    pub epoch_salt: String,
    /// Whether any stream has blocked terms.
    pub blocks_terms: bool,
}

thread_local! {
    static KEPT: RefCell<Option<Rc<Settings>>> = const { RefCell::new(None) };
    /// One more with every invalidation, so that nothing is kept that was read across one.
    static INVALIDATIONS: Cell<u64> = const { Cell::new(0) };
    static IS_LISTENING: Cell<bool> = const { Cell::new(false) };
}

/// For transactions at READ COMMITTED: a kept value may be newer than an older snapshot.
pub fn current() -> Result<Rc<Settings>> {
    if let Some(settings) = KEPT.with_borrow(Clone::clone) {
        return Ok(settings);
    }
    if !IS_LISTENING.replace(true) {
        // SAFETY: registers a function that lives as long as the backend.
        unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(forget), pg_sys::Datum::from(0)) };
    }
    let before = INVALIDATIONS.get();
    let settings = Rc::new(read()?);
    if INVALIDATIONS.get() == before {
        KEPT.set(Some(Rc::clone(&settings)));
    }
    Ok(settings)
}

fn read() -> Result<Settings> {
    let settings = spi::first(&READ, &[], |row| {
        Ok(Settings {
            tables: [column(row, 1)?, column(row, 2)?],
            viewers: ChatRate {
                interval_ms: column(row, 3)?,
                burst: column(row, 4)?,
            },
            hosts: ChatRate {
                interval_ms: column(row, 5)?,
                burst: column(row, 6)?,
            },
            anonymous_users_may_chat: column(row, 7)?,
            epoch_salt: column(row, 8)?,
            blocks_terms: column(row, 9)?,
        })
    })?;
    settings.ok_or(Failure::Row("stream.config has no row"))
}

/// Called by Postgres for every relation that has changed; `InvalidOid` stands for all of them. It
/// may be in the middle of anything, so this touches nothing but its own variables.
#[pg_guard]
extern "C-unwind" fn forget(_argument: pg_sys::Datum, relation: pg_sys::Oid) {
    KEPT.with_borrow_mut(|kept| {
        let is_meant = kept.as_ref().is_none_or(|settings| {
            relation == pg_sys::InvalidOid || settings.tables.contains(&relation)
        });
        if is_meant {
            INVALIDATIONS.set(INVALIDATIONS.get() + 1);
            *kept = None;
        }
    });
}

/// Tells every backend, when this transaction commits, to read its settings again. For the triggers
/// of the tables that they come from.
#[pg_extern]
fn settings_changed(relation: Option<pg_sys::Oid>) {
    answer(
        caller::enter_as_owner()
            .and_then(|()| required(relation, "relation"))
            .map(|relation| {
                // SAFETY: raises when there is no such relation.
                unsafe { pg_sys::CacheInvalidateRelcacheByRelid(relation) };
            }),
    );
}
