//! Renewing a token with a heartbeat, noted in the write that prolongs the lease.
//!
//! Minting locks the session, which others lock before the lease. To avoid a deadlock we skip a session or user that
//! somebody holds, and look everything up before that write; the next heartbeat renews.

use pgrx::datum::Uuid;
use stream_core::agora::Role;
use stream_core::error::ErrorCode;

use crate::clock;
use crate::moderation::active_restrictions;
use crate::postgres::application_rows;
use crate::postgres::caller::Admitted;
use crate::postgres::composite::Composite;
use crate::postgres::error::{Failure, Result};
use crate::postgres::spi::{self, statements};
use crate::postgres::transaction;
use crate::token::certificate::Signer;
use crate::token::columns::NotedTimes;
use crate::token::mint::{Issued, issue};
use crate::token::request::{Grant, GrantRequest, TokenCharge};
use crate::token::settings::Settings;
use crate::token::stream_row::{SESSIONS, is_open};

statements! {
    LOCK_FREE_SESSION: Write [UUIDOID]
        "select true from stream.stream_sessions as s where s.id = $1 for share skip locked";
}

/// Everything that a renewed token needs besides the row in which it is noted.
pub struct Renewal {
    session: Uuid,
    user: Uuid,
    role: Role,
    channel: String,
    issued_at: u32,
    life_s: i32,
    signer: Signer,
    pub noted: NotedTimes,
}

impl Renewal {
    /// Prepares the renewal for a viewer whose lease holds. None while another transaction holds the user or the stream,
    /// and none while the configuration is wrong, which `doctor()` shows: a heartbeat must not fail for that.
    pub fn of_viewer(admitted: Admitted, session: Uuid, user: Uuid) -> Result<Option<Self>> {
        let Some(renewal) = Self::prepare(admitted, session, user, Role::Subscriber)? else {
            return Ok(None);
        };
        if !application_rows::hold_user_if_free(admitted, user)?
            || spi::execute(&LOCK_FREE_SESSION, &[session.into()])? == 0
        {
            return Ok(None);
        }
        // After the lock, which a ban takes too.
        if active_restrictions::in_force(admitted, session, user)?.is_banned {
            return Err(ErrorCode::Banned.into());
        }
        Ok(Some(renewal))
    }

    /// Prepares the renewal for the host of a stream whose row is locked.
    pub fn of_host(admitted: Admitted, session: Uuid, user: Uuid) -> Result<Option<Self>> {
        let renewal = Self::prepare(admitted, session, user, Role::Publisher)?;
        Ok(match renewal {
            Some(renewal) if application_rows::hold_user_if_free(admitted, user)? => Some(renewal),
            _ => None,
        })
    }

    fn prepare(admitted: Admitted, session: Uuid, user: Uuid, role: Role) -> Result<Option<Self>> {
        let read = || {
            let issued_at = clock::now_s()?;
            let settings = Settings::read(admitted)?;
            let signer = settings.signing.signer()?;
            Ok((issued_at, settings, signer))
        };
        // The Vault can raise; the heartbeat must go on.
        let (issued_at, settings, signer) = match transaction::attempt(read) {
            Ok(read) => read,
            Err(failure) if is_operators(&failure) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let channel = session.to_string();
        let created_at = SESSIONS.find(admitted, &[session], |row| is_open(row, &channel))?;
        let Some(created_at) = created_at else {
            return Ok(None);
        };
        let life_s = settings.life_s(created_at, issued_at)?;
        let noted = NotedTimes::new(issued_at, life_s)?;
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

    /// Mints and stores the token after it is noted in the row. `number` is the generation of the host or the uid
    /// of the viewer.
    pub fn issue(self, admitted: Admitted, number: i32) -> Result<Renewed> {
        let request = GrantRequest {
            user: self.user,
            channel: &self.channel,
            role: Some(self.role),
            generation: None,
            charge: TokenCharge::Free,
            issued_at: self.issued_at,
        };
        let grant = Grant {
            session: self.session,
            role: self.role,
            number,
            life_s: self.life_s,
            expires_at: self.noted.expires_at,
        };
        let issued = issue(admitted, &request, &grant, &self.signer)?;
        Ok(Renewed {
            issued,
            channel: self.channel,
            role: self.role,
        })
    }
}

/// A renewed token.
pub struct Renewed {
    issued: Issued,
    channel: String,
    role: Role,
}

impl Renewed {
    /// The token as a `stream.agora_token`.
    pub fn into_composite(self) -> Result<Composite> {
        self.issued.into_composite(&self.channel, self.role)
    }
}

/// Whether a failure is for an operator to mend: a wrong configuration, not a fault of this product.
fn is_operators(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused { code, .. }
        if *code != ErrorCode::Internal && code.sqlstate() == ErrorCode::Internal.sqlstate())
}
