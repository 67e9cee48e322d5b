//! The epoch: which run of the database the sequence numbers belong to.
//!
//! A failover or a restore changes the epoch, and every client then resynchronises.

use pgrx::prelude::*;

use crate::digest::sha256_hex;
use crate::postgres::caller::Admitted;
use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::Table;

static CONFIG: Table = Table::new(c"config");

/// The server's part of the epoch: its identity, its WAL timeline and its database.
pub fn epoch_origin() -> String {
    // SAFETY: these read shared or backend state; the insertion timeline is only read outside recovery, and a
    // standby returns the timeline that it replays.
    let (server, timeline, database) = unsafe {
        let mut timeline = 0;
        match pg_sys::RecoveryInProgress() {
            true => _ = pg_sys::GetXLogReplayRecPtr(&mut timeline),
            false => timeline = pg_sys::GetWALInsertionTimeLine(),
        }
        (
            pg_sys::GetSystemIdentifier(),
            timeline,
            pg_sys::MyDatabaseId,
        )
    };
    format!("{server}:{timeline}:{}", u32::from(database))
}

/// The epoch: 16 hexadecimal digits from the origin and `config.epoch_salt`.
pub fn epoch(salt: &str) -> String {
    let mut digest = sha256_hex(&format!("{}:{salt}", epoch_origin()));
    digest.truncate(16);
    digest
}

/// The salt in the config row.
pub fn epoch_salt(admitted: Admitted) -> Result<String> {
    let salt = CONFIG.only(admitted, |row| row.column(c"epoch_salt"))?;
    salt.ok_or(Failure::Row("the config row is gone"))
}

/// The bytes of a payload that Realtime admits, in the config row.
pub fn payload_bytes(admitted: Admitted) -> Result<usize> {
    let bytes = CONFIG.only(admitted, |row| row.column::<i32>(c"realtime_payload_bytes"))?;
    let bytes = bytes.ok_or(Failure::Row("the config row is gone"))?;
    usize::try_from(bytes).map_err(|_| Failure::Row("a size is negative"))
}

/// The epoch as SQL text, for statements that compare with it, where the config row is in scope as `c`.
macro_rules! epoch_sql {
    ($origin:literal) => {
        concat!(
            "encode(substr(sha256(convert_to(",
            $origin,
            " || ':' || c.epoch_salt, 'UTF8')), 1, 8), 'hex')"
        )
    };
}
pub(crate) use epoch_sql;
