//! Joining with a token: a new token within the user's rate, the newest one again beyond it.
//!
//! A join is never refused for its rate, because a phone on a bad network must be able to come back; and a loop of
//! joins must not fill `agora_tokens`. So beyond the rate the newest token is minted again from its stored fields,
//! and returned only when its hash is the stored one: after a change of the certificate, the App ID, the uid or
//! this code nobody gets a token that is not in the table.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::agora::{Role, TokenTimes};
use stream_core::error::ErrorCode;

use crate::clock;
use crate::digest::sha256_hex;
use crate::postgres::caller::{self, Admitted};
use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::postgres::spi::{self, statements};
use crate::token::certificate::Signer;
use crate::token::grant;
use crate::token::mint::{Content, Issued, issue, mint_token, unsigned};
use crate::token::request::{GrantRequest, TokenCharge};
use crate::token::settings::Settings;
use crate::viewer::joining::{Lease, join_as};

statements! {
    /// Reads one row however many the user has, by agora_tokens_session_id_user_id_is_active_created_at_idx.
    NEWEST: Write [UUIDOID, UUIDOID] -> Stored,
        "select t.token_hash::text as hash, t.salt::integer as salt, t.created_at as issued_at, t.expires_at
         from stream.agora_tokens as t
         where t.session_id = $1 and t.user_id = $2 and t.is_active
         order by t.created_at desc limit 1";
}

/// Joins and mints a token in one call. Clock and certificate are checked first, so a join is refused before it writes
/// a lease when no token could be minted at all. Without a token `retry_after_ms` is set, at least 1.
#[pg_extern]
#[expect(
    clippy::type_complexity,
    reason = "pgrx reads the column names from the literal type"
)]
fn join_with_token(
    session_id: Option<Uuid>,
) -> TableIterator<
    'static,
    (
        name!(user_id, Uuid),
        name!(agora_uid, i32),
        name!(join_no, i32),
        name!(joined_at, TimestampWithTimeZone),
        name!(token, Option<String>),
        name!(expires_at, Option<TimestampWithTimeZone>),
        name!(retry_after_ms, Option<i64>),
    ),
> {
    let joined = or_raise(join(session_id));
    let lease = joined.lease;
    let (token, expires_at, retry_after_ms) = match joined.token {
        Ok(issued) => (Some(issued.token), Some(issued.expires_at), None),
        Err(wait_ms) => (None, None, Some(wait_ms)),
    };
    TableIterator::once((
        joined.user,
        lease.agora_uid,
        lease.join_no,
        lease.joined_at,
        token,
        expires_at,
        retry_after_ms,
    ))
}

struct Joined {
    user: Uuid,
    lease: Lease,
    /// The token, or the milliseconds until one can be issued.
    token: std::result::Result<Issued, i64>,
}

fn join(session_id: Option<Uuid>) -> Result<Joined> {
    let caller = caller::enter_to_write()?;
    let user = caller.resolve_user(None)?;
    let session = required(session_id, "session_id")?;
    clock::now_s()?;
    let signer = Settings::read(caller.admitted())?.signing.signer()?;
    caller.act_for(None)?;
    let lease = join_as(caller.admitted(), user, session)?;
    let token = issue_or_reissue(caller.admitted(), user, session, &signer)?;
    Ok(Joined { user, lease, token })
}

/// Issues a token for a viewer whose lease this transaction has locked, or the newest one again.
fn issue_or_reissue(
    admitted: Admitted,
    user: Uuid,
    session: Uuid,
    signer: &Signer,
) -> Result<std::result::Result<Issued, i64>> {
    let request = GrantRequest {
        user,
        channel: &session.to_string(),
        role: Some(Role::Subscriber),
        generation: None,
        charge: TokenCharge::Limited,
        // The join may have waited.
        issued_at: clock::now_s()?,
    };
    let wait_ms = match grant::grant(admitted, &request, &Settings::read(admitted)?) {
        Ok(granted) => return issue(admitted, &request, &granted, signer).map(Ok),
        Err(Failure::Refused {
            code: ErrorCode::RateLimited,
            retry_after_ms,
            ..
        }) => retry_after_ms.unwrap_or(1),
        Err(failure) => return Err(failure),
    };
    let again = reissue(admitted, session, &request, signer)?;
    // The heartbeat renews by this time: it returns a token to a viewer without one as to one whose token ends soon.
    let held_until = match &again {
        Some(issued) => issued.expires_at,
        None => clock::timestamp(request.issued_at.into())?,
    };
    grant::note_held(admitted, session, user, held_until)?;
    Ok(again.ok_or(i64::try_from(wait_ms).unwrap_or(i64::MAX)))
}

columns! {
    /// The stored fields of the newest token that the user may still use.
    struct Stored {
        hash: String,
        salt: i32,
        issued_at: TimestampWithTimeZone,
        expires_at: TimestampWithTimeZone,
    }
}

impl Stored {
    fn newest(session: Uuid, user: Uuid) -> Result<Option<Self>> {
        spi::first(&NEWEST, &[session.into(), user.into()])
    }

    fn life_s(&self) -> i64 {
        clock::unix_s(self.expires_at) - clock::unix_s(self.issued_at)
    }

    /// Whether more than a quarter of its life is left; until then no heartbeat replaces it.
    fn is_useful(&self, now_s: u32) -> Result<bool> {
        let now_us = clock::timestamp(now_s.into())?.into_inner();
        let times = TokenTimes {
            issued_at_us: self.issued_at.into_inner(),
            expires_at_us: self.expires_at.into_inner(),
        };
        Ok(!times.is_last_quarter_before(times.expires_at_us, now_us))
    }
}

fn reissue(
    admitted: Admitted,
    session: Uuid,
    request: &GrantRequest<'_>,
    signer: &Signer,
) -> Result<Option<Issued>> {
    let Some(uid) = grant::uid_of_lease(admitted, session, request.user)? else {
        return Ok(None);
    };
    let Some(stored) = Stored::newest(session, request.user)? else {
        return Ok(None);
    };
    if !stored.is_useful(request.issued_at)? {
        return Ok(None);
    }
    let second = |number: i64| {
        u32::try_from(number).map_err(|_| Failure::Row("a token's time is out of range"))
    };
    let content = Content {
        channel: request.channel,
        role: Role::Subscriber,
        number: unsigned(uid)?,
        issued_at: second(clock::unix_s(stored.issued_at))?,
        life_s: second(stored.life_s())?,
        salt: unsigned(stored.salt)?,
    };
    let token = mint_token(signer, &content)?;
    Ok((sha256_hex(&token) == stored.hash).then_some(Issued {
        token,
        uid,
        expires_at: stored.expires_at,
    }))
}
