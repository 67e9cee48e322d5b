//! Entry points for operations written in plpgsql: admitting callers, refusing, and rates.
//!
//! Like every native function they are open to the owner of the tables alone, inside functions that set
//! the safe search path.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::postgres::caller;
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::rate::Rate;

/// Admits a call that only reads; returns the user who calls, null for the service.
#[pg_extern(stable)]
fn enter_to_read() -> Option<Uuid> {
    or_raise(caller::enter()).user_id()
}

/// Admits a call that writes; returns the user who calls, null for the service.
#[pg_extern]
fn enter_to_write() -> Option<Uuid> {
    or_raise(caller::enter_to_write()).user_id()
}

/// Admits a call that writes for a user, by default the caller, and keeps the user from being deleted
/// meanwhile. Comes before anything is locked.
#[pg_extern]
fn act_for(user_id: Option<Uuid>) -> Uuid {
    or_raise(caller::enter_to_write().and_then(|caller| caller.act_for(user_id)))
}

/// Raises an error of the catalogue with a more exact hint.
#[pg_extern(volatile, parallel_restricted)]
fn refuse_with_hint(code: &str, hint: &str) {
    let refused = ErrorCode::parse(code).map_or(Failure::Row("no such error code"), |code| {
        Failure::with_hint(code, hint)
    });
    or_raise(Err(refused))
}

/// Counts one call against a limit a minute; returns the time to store, or refuses with the wait.
#[pg_extern]
fn take_rate(
    per_minute: Option<i32>,
    noted: Option<TimestampWithTimeZone>,
) -> TimestampWithTimeZone {
    or_raise(take(per_minute, noted))
}

fn take(
    per_minute: Option<i32>,
    noted: Option<TimestampWithTimeZone>,
) -> Result<TimestampWithTimeZone> {
    caller::enter_as_owner()?;
    Rate::per_minute(required(per_minute, "per_minute")?).take(noted)
}
