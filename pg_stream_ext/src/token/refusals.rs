//! Counting of refused requests for tokens, by sequences: a refusal rolls back every row that it writes.

use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::postgres::caller::{self, Admitted};
use crate::postgres::catalogue::{self, KnownRelation};
use crate::postgres::error::{Failure, Result};

static RATE: KnownRelation = KnownRelation::new(c"tokens_refused_rate");
static RIGHTS: KnownRelation = KnownRelation::new(c"tokens_refused_rights");
static SETUP: KnownRelation = KnownRelation::new(c"tokens_refused_setup");

/// Passes the result on, and counts it if it is a refusal. What is wrong with the call itself is not counted.
pub fn counted<T>(_: Admitted, result: Result<T>) -> Result<T> {
    if let Err(Failure::Refused { code, .. }) = &result
        && let Some(sequence) = sequence_of(*code)
    {
        count(sequence);
    }
    result
}

fn sequence_of(code: ErrorCode) -> Option<&'static KnownRelation> {
    match code.http_status() {
        429 => Some(&RATE),
        403 | 404 | 409 | 410 => Some(&RIGHTS),
        500 if code != ErrorCode::Internal => Some(&SETUP),
        _ => None,
    }
}

/// Takes the next number, which no roll-back gives back. Counts nothing where that would be an error or wait.
fn count(sequence: &KnownRelation) {
    if caller::is_read_only() {
        return;
    }
    let Some(sequence) = sequence.find() else {
        return;
    };
    if catalogue::lock_if_free(sequence, pg_sys::RowExclusiveLock) {
        // SAFETY: a sequence of ours, locked, inside a transaction that may write; the owner of the tables owns it.
        unsafe { pg_sys::nextval_internal(sequence, false) };
    }
}
