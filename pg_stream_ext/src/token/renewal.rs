//! A token that comes with a heartbeat, noted in the write of the sign of life.
//!
//! All that the token needs is looked up before that write and without waiting: what a token locks elsewhere
//! before the lease may be held by somebody who waits for this lease. The next heartbeat renews then.

use std::ffi::CStr;

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use stream_core::agora::{Role, TokenTimes};
use stream_core::error::ErrorCode;

use crate::clock::{self, Microseconds};
use crate::moderation::active_restrictions;
use crate::postgres::application_rows;
use crate::postgres::composite::Composite;
use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::Row;
use crate::postgres::spi::{self, statements};
use crate::postgres::transaction;
use crate::token::certificate::Signer;
use crate::token::issue::issue;
use crate::token::rows::{self, Ask, Charge, Grant, Noted, SESSIONS};
use crate::token::settings::Settings;

statements! {
    LOCK_FREE_SESSION: Write [UUIDOID]
        "select true from stream.stream_sessions as s where s.id = $1 for share skip locked";
}

/// The columns of a row that tell of its user's token.
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

/// Whether a heartbeat brings a token. `told` is when the one ends that the device says to hold; of a device that does
/// not say, the row keeps it.
pub fn is_due(
    row: &Row,
    columns: &TokenColumns,
    told: Option<TimestampWithTimeZone>,
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
    let held_until_us = match told {
        Some(told) => told.into_inner(),
        None => time(columns.held_until)?.unwrap_or(expires_at_us),
    };
    let times = TokenTimes {
        issued_at_us,
        expires_at_us,
    };
    Ok(times.is_renewal_due(held_until_us, clock::transaction_start()))
}

/// The same of the host of a stream.
pub fn is_host_due(session: Uuid, told: Option<TimestampWithTimeZone>) -> Result<bool> {
    let due = SESSIONS.find(&[session], |row| is_due(row, &OF_HOST, told).map(Some))?;
    Ok(due.unwrap_or(false))
}

/// What the row keeps of the host with this renewal.
pub fn host_held_until(session: Uuid, renewal: &Renewal) -> Result<TimestampWithTimeZone> {
    let held_until = SESSIONS.find(&[session], |row| {
        renewal.held_until(row, &OF_HOST).map(Some)
    })?;
    held_until.ok_or(Failure::Row("the locked stream is gone"))
}

/// What a fresh token needs besides the row in which it is noted.
pub struct Renewal {
    session: Uuid,
    user: Uuid,
    role: Role,
    channel: String,
    issued_at: u32,
    life_s: i32,
    signer: Signer,
    pub noted: Noted,
}

impl Renewal {
    /// For a viewer whose lease holds. Nothing while somebody holds the user or the stream, or while an operator
    /// has to mend something, which `doctor()` shows: the stream must not end for that too.
    pub fn of_viewer(session: Uuid, user: Uuid) -> Result<Option<Self>> {
        let Some(renewal) = Self::prepare(session, user, Role::Subscriber)? else {
            return Ok(None);
        };
        if !application_rows::hold_if_free(user)?
            || spi::execute(&LOCK_FREE_SESSION, &[session.into()])? == 0
        {
            return Ok(None);
        }
        // After the lock, for which a ban takes the row too.
        if active_restrictions::in_force(session, user)?.is_banned {
            return Err(ErrorCode::Banned.into());
        }
        Ok(Some(renewal))
    }

    /// For the host of a stream whose row is locked.
    pub fn of_host(session: Uuid, user: Uuid) -> Result<Option<Self>> {
        let renewal = Self::prepare(session, user, Role::Publisher)?;
        Ok(match renewal {
            Some(renewal) if application_rows::hold_if_free(user)? => Some(renewal),
            _ => None,
        })
    }

    fn prepare(session: Uuid, user: Uuid, role: Role) -> Result<Option<Self>> {
        let read = || {
            let issued_at = clock::now_s()?;
            let settings = Settings::read()?;
            let signer = settings.configuration.signer()?;
            Ok((issued_at, settings, signer))
        };
        // The Vault can raise, and the heartbeat goes on.
        let (issued_at, settings, signer) = match transaction::attempt(read) {
            Ok(read) => read,
            Err(failure) if is_operators(&failure) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let channel = session.to_string();
        let created_at = SESSIONS.find(&[session], |row| rows::is_open(row, &channel))?;
        let Some(created_at) = created_at else {
            return Ok(None);
        };
        let life_s = settings.life_s(created_at, issued_at)?;
        let noted = Noted::new(issued_at, life_s)?;
        Ok(Some(Self {
            session,
            user,
            role,
            channel,
            issued_at,
            life_s,
            signer,
            noted,
        }))
    }

    /// When the token ends that the device may still hold: only it knows whether the new one arrived.
    pub fn held_until(&self, row: &Row, columns: &TokenColumns) -> Result<TimestampWithTimeZone> {
        self.noted.held_until(row, columns)
    }

    /// Mints and stores the token, once it is noted in the row. `number` is the generation of the host or the uid
    /// of the viewer.
    pub fn issue(self, number: i32) -> Result<Composite> {
        let ask = Ask {
            user: self.user,
            channel: &self.channel,
            role: Some(self.role),
            generation: None,
            charge: Charge::Free,
            issued_at: self.issued_at,
        };
        let grant = Grant {
            session: self.session,
            role: self.role,
            number,
            life_s: self.life_s,
            expires_at: self.noted.expires_at,
        };
        issue(&ask, &grant, &self.signer)?.into_composite(ask.channel, grant.role)
    }
}

/// A refusal that a person has to mend, and no fault of this product.
fn is_operators(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused { code, .. }
        if *code != ErrorCode::Internal && code.sqlstate() == ErrorCode::Internal.sqlstate())
}
