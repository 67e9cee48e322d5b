//! Requests for tokens: the request, its charge against the user's rate, and the resulting grant.

use std::ffi::CStr;

use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use stream_core::agora::Role;
use stream_core::error::ErrorCode;

use crate::postgres::error::Result;
use crate::postgres::keyed::Row;
use crate::rate::{Rate, Verdict};

/// Whether a token counts against its user's rate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TokenCharge {
    Free,
    /// It counts, and is refused beyond the rate.
    Limited,
}

/// A request for a token.
pub struct GrantRequest<'a> {
    pub user: Uuid,
    pub channel: &'a str,
    /// None: host or viewer, whichever the user is.
    pub role: Option<Role>,
    /// The host's; none: the newest.
    pub generation: Option<i32>,
    pub charge: TokenCharge,
    /// Unix seconds.
    pub issued_at: u32,
}

impl GrantRequest<'_> {
    /// Refuses with `stale_host` when another device of the seller has taken over.
    pub fn refuse_stale(&self, newest: i32) -> Result<()> {
        match self.generation {
            Some(generation) if generation != newest => Err(ErrorCode::StaleHost.into()),
            _ => Ok(()),
        }
    }
}

/// What the rows allow one user on one channel.
pub struct Grant {
    pub session: Uuid,
    pub role: Role,
    /// The host's generation, or the viewer's uid.
    pub number: i32,
    pub life_s: i32,
    pub expires_at: TimestampWithTimeZone,
}

/// The new value of the rate's column for one more token; none: the rate is used up.
pub fn charged(
    row: &Row,
    column: &CStr,
    rate: Rate,
    charge: TokenCharge,
) -> Result<Option<DatumWithOid<'static>>> {
    let noted = row.nullable::<TimestampWithTimeZone>(column)?;
    if charge == TokenCharge::Free {
        return Ok(Some(noted.into()));
    }
    Ok(match rate.judge(noted)? {
        Verdict::Pass(tat) => Some(tat.into()),
        Verdict::Wait(_) => None,
    })
}
