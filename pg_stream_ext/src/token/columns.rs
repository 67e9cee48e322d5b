//! The token columns of leases and streams, and whether a renewal is due by them.

use std::ffi::CStr;

use pgrx::datum::TimestampWithTimeZone;
use stream_core::agora::TokenTimes;

use crate::clock::{self, Microseconds};
use crate::postgres::error::Result;
use crate::postgres::keyed::Row;

/// The names of the columns in which a row notes its user's token; they differ between the two tables.
pub struct TokenColumns {
    pub issued_at: &'static CStr,
    pub expires_at: &'static CStr,
    pub held_until: &'static CStr,
}

pub const OF_VIEWER: TokenColumns = TokenColumns {
    issued_at: c"token_issued_at",
    expires_at: c"token_expires_at",
    held_until: c"token_held_until",
};

pub const OF_HOST: TokenColumns = TokenColumns {
    issued_at: c"host_token_issued_at",
    expires_at: c"host_token_expires_at",
    held_until: c"host_token_held_until",
};

/// Whether a heartbeat returns a new token. `device_expires_at` is the end of the device's token, if it was sent;
/// otherwise the row's `held_until` counts.
pub fn is_due(
    row: &Row,
    columns: &TokenColumns,
    device_expires_at: Option<TimestampWithTimeZone>,
) -> Result<bool> {
    let time = |column| -> Result<Option<Microseconds>> {
        let time: Option<TimestampWithTimeZone> = row.nullable(column)?;
        Ok(time.map(TimestampWithTimeZone::into_inner))
    };
    let (Some(issued_at_us), Some(expires_at_us)) =
        (time(columns.issued_at)?, time(columns.expires_at)?)
    else {
        return Ok(false);
    };
    let held_until_us = match device_expires_at {
        Some(device_expires_at) => device_expires_at.into_inner(),
        None => time(columns.held_until)?.unwrap_or(expires_at_us),
    };
    let times = TokenTimes {
        issued_at_us,
        expires_at_us,
    };
    Ok(times.is_renewal_due(held_until_us, clock::transaction_start()))
}

/// The times of a token, as a row notes them.
pub struct NotedTimes {
    pub issued_at: TimestampWithTimeZone,
    pub expires_at: TimestampWithTimeZone,
}

impl NotedTimes {
    pub fn new(issued_at: u32, life_s: i32) -> Result<Self> {
        Ok(Self {
            issued_at: clock::timestamp(issued_at.into())?,
            expires_at: clock::timestamp(i64::from(issued_at) + i64::from(life_s))?,
        })
    }

    /// Until when the user may still hold an older token. We cannot know whether a renewed token arrived, so the
    /// older token's end is kept until a token is minted after it.
    pub fn held_until(&self, row: &Row, columns: &TokenColumns) -> Result<TimestampWithTimeZone> {
        let newest: Option<TimestampWithTimeZone> = row.nullable(columns.issued_at)?;
        let held = row.nullable::<TimestampWithTimeZone>(columns.held_until)?;
        let held = held.filter(|held| newest.is_some_and(|newest| newest < *held));
        Ok(held.unwrap_or(self.expires_at))
    }
}
