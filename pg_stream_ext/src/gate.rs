//! How does somebody who changes a stream get a turn while viewers keep joining?
//!
//! Joins share the session's row lock, and Postgres lets one more sharer in although somebody waits
//! to change the row. So a steady stream of joins could keep the host's heartbeat, the end of the
//! stream and its sweep waiting without end. Advisory locks are granted in the order in which they were
//! asked for: whoever waits at the gate waits for the joins before it only, and later ones behind it.
//!
//! The gate comes before the session's row in the order of locks.

use pgrx::datum::Uuid;

use crate::error::Result;
use crate::spi::{self, column, statements};

/// The lock's number.
macro_rules! key {
    () => {
        "hashtextextended('pg_stream_ext.gate ' || $1::text, 0)"
    };
}

statements! {
    PASS: Write [UUIDOID]
        concat!("select pg_advisory_xact_lock_shared(", key!(), ")");

    CLOSE: Write [UUIDOID]
        concat!("select pg_advisory_xact_lock(", key!(), ")");

    CLOSE_SOON: Write [UUIDOID]
        concat!("select stream_private.close_gate(", key!(), ")");
}

/// Together with others, behind those who wait to close it.
pub fn pass(session: Uuid) -> Result<()> {
    spi::execute(&PASS, &[session.into()]).map(|_| ())
}

/// Alone, until the transaction ends.
pub fn close(session: Uuid) -> Result<()> {
    spi::execute(&CLOSE, &[session.into()]).map(|_| ())
}

/// Alone, unless somebody keeps it open for too long; answers whether it is closed.
pub fn close_soon(session: Uuid) -> Result<bool> {
    let closed = spi::first(&CLOSE_SOON, &[session.into()], |row| column(row, 1))?;
    Ok(closed.unwrap_or(false))
}
