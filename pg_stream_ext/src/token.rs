//! Who gets which Agora token?
//!
//! Channel, uid and role come from the database's rows, never from the caller. Only the hash of a
//! token is stored.

use pgrx::JsonB;
use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use sha2::{Digest, Sha256};
use stream_core::agora::{ChannelName, Role, TokenRequest, Uid, host_uid, mint};
use stream_core::error::ErrorCode;

use crate::caller;
use crate::certificate::{self, Configuration};
use crate::error::{Failure, Result, answer, required};
use crate::moderation;
use crate::spi::{self, column, nullable, statements};

/// 2024-01-01 and 2100-01-01 as Unix seconds: a clock outside of that is broken, and Agora would
/// refuse its tokens.
const SANE_CLOCK: std::ops::Range<i64> = 1_704_067_200..4_102_444_800;

/// Unix seconds of 2000-01-01, where Postgres counts from.
const POSTGRES_EPOCH_S: i64 = 946_684_800;

/// Agora's own range for the salt.
const MAX_SALT: u32 = 99_999_999;

statements! {
    /// The lock is shared with other tokens and joins; it keeps the stream from ending, and its
    /// tokens from being retired, before this one is stored.
    GRANT: Write [TEXTOID, UUIDOID]
        "select s.id, s.seller_id = $2, s.generation, s.state = 'ended', v.agora_uid,
             c.agora_app_id, c.agora_certificate_secret, c.token_ttl_s
         from stream.stream_sessions as s
         cross join stream.config as c
         left join stream.stream_viewers as v
             on v.session_id = s.id and v.user_id = $2 and v.is_active
         where s.channel_id = $1
         for share of s";

    HOST_TOKEN_DUE: Write [UUIDOID, UUIDOID]
        "select t.created_at + 0.75 * (t.expires_at - t.created_at) <= now()
             and t.created_at <= now() - interval '30 seconds'
         from stream.agora_tokens as t
         where t.session_id = $1 and t.user_id = $2
         order by t.created_at desc limit 1";

    NOTE_ON_LEASE: Write [UUIDOID, UUIDOID, FLOAT8OID, FLOAT8OID]
        "update stream.stream_viewers
         set token_issued_at = to_timestamp($3), token_expires_at = to_timestamp($4)
         where session_id = $1 and user_id = $2";

    STORE: Write [UUIDOID, UUIDOID, TEXTOID, TEXTOID, INT4OID, JSONBOID, FLOAT8OID, FLOAT8OID]
        "insert into stream.agora_tokens
             (user_id, session_id, token_hash, channel_id, uid, privileges, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, to_timestamp($7), to_timestamp($8))
         returning expires_at";
}

/// Whether the host's newest token is past 75 % of its life and at least 30 s old. A viewer's is
/// known from the lease row.
pub fn is_host_token_due(session: Uuid, user: Uuid) -> Result<bool> {
    let due = spi::first(&HOST_TOKEN_DUE, &[session.into(), user.into()], |row| {
        column(row, 1)
    })?;
    Ok(due.unwrap_or(false))
}

/// What the rows say about one user on one channel.
struct Grant {
    session: Uuid,
    is_seller: bool,
    generation: i32,
    has_ended: bool,
    viewer_uid: Option<i32>,
    configuration: Configuration,
    ttl_s: i32,
}

type TokenRow = (String, String, i32, TimestampWithTimeZone, bool, bool, bool);

/// `is_host` picks the seller's token, otherwise it is a viewer's.
#[pg_extern]
fn generate_token(
    user_id: Option<Uuid>,
    channel_id: Option<&str>,
    is_host: Option<bool>,
) -> TableIterator<
    'static,
    (
        name!(token, String),
        name!(channel_id, String),
        name!(uid, i32),
        name!(expires_at, TimestampWithTimeZone),
        name!(can_publish, bool),
        name!(can_subscribe, bool),
        name!(can_admin, bool),
    ),
> {
    TableIterator::once(answer(generate(user_id, channel_id, is_host)))
}

fn generate(
    user_id: Option<Uuid>,
    channel_id: Option<&str>,
    is_host: Option<bool>,
) -> Result<TokenRow> {
    let caller = caller::enter_to_write()?;
    let role = if required(is_host, "is_host")? {
        Role::Publisher
    } else {
        Role::Subscriber
    };
    let user = caller.act_for(user_id)?;
    let channel = required(channel_id, "channel_id")?;
    let grant = find_grant(channel, user)?;
    // After the lock: the statement that took it may have read the lease before a ban ended it.
    if !grant.is_seller && !grant.has_ended && moderation::is_banned(grant.session, user)? {
        return Err(ErrorCode::Banned.into());
    }
    let uid = match role {
        Role::Publisher if grant.is_seller => host_uid(unsigned(grant.generation)?),
        Role::Publisher => return Err(ErrorCode::NotStreamOwner.into()),
        Role::Subscriber if grant.has_ended => return Err(ErrorCode::StreamEnded.into()),
        Role::Subscriber => unsigned(grant.viewer_uid.ok_or(ErrorCode::NotViewer)?)?,
    };
    if grant.has_ended {
        return Err(ErrorCode::StreamEnded.into());
    }
    issue(role, user, channel, uid, &grant)
}

fn find_grant(channel: &str, user: Uuid) -> Result<Grant> {
    let grant = spi::first(&GRANT, &[channel.into(), user.into()], |row| {
        Ok(Grant {
            session: column(row, 1)?,
            is_seller: column(row, 2)?,
            generation: column(row, 3)?,
            has_ended: column(row, 4)?,
            viewer_uid: nullable(row, 5)?,
            configuration: Configuration {
                app_id: nullable(row, 6)?,
                certificate_secret: column(row, 7)?,
            },
            ttl_s: column(row, 8)?,
        })
    })?;
    grant.ok_or_else(|| ErrorCode::ChannelNotFound.into())
}

fn issue(role: Role, user: Uuid, channel: &str, uid: u32, grant: &Grant) -> Result<TokenRow> {
    let issued_at = now()?;
    let app_id = grant.configuration.app_id()?;
    let certificate = certificate::read(&grant.configuration)?;
    let request = TokenRequest {
        app_id: &app_id,
        channel: &ChannelName::parse(channel)
            .map_err(|_| Failure::Row("the channel name is not one of Agora's"))?,
        uid: Uid::new(uid).map_err(|_| Failure::Row("the uid is out of range"))?,
        role,
        issued_at,
        expires_in_s: unsigned(grant.ttl_s)?,
        salt: salt()?,
    };
    let token =
        mint(&request, &certificate).map_err(|_| Failure::Row("the token was not minted"))?;
    let can_publish = role == Role::Publisher;
    let uid = i32::try_from(uid).map_err(|_| Failure::Row("the uid is out of range"))?;
    let issued_at_s = f64::from(issued_at);
    let expires_at_s = issued_at_s + f64::from(grant.ttl_s);
    let privileges = serde_json::json!({
        "can_publish": can_publish, "can_subscribe": true, "can_admin": can_publish,
    });
    let arguments: [DatumWithOid<'_>; 8] = [
        user.into(),
        grant.session.into(),
        sha256_hex(&token).into(),
        channel.into(),
        uid.into(),
        JsonB(privileges).into(),
        issued_at_s.into(),
        expires_at_s.into(),
    ];
    if !can_publish {
        spi::execute(
            &NOTE_ON_LEASE,
            &[
                grant.session.into(),
                user.into(),
                issued_at_s.into(),
                expires_at_s.into(),
            ],
        )?;
    }
    let expires_at = spi::first(&STORE, &arguments, |row| column(row, 1))?
        .ok_or(Failure::Row("the token was not stored"))?;
    Ok((
        token,
        channel.to_owned(),
        uid,
        expires_at,
        can_publish,
        true,
        can_publish,
    ))
}

/// Unix seconds.
fn now() -> Result<u32> {
    // SAFETY: reads the clock.
    let seconds = unsafe { pg_sys::GetCurrentTimestamp() }.div_euclid(1_000_000) + POSTGRES_EPOCH_S;
    if !SANE_CLOCK.contains(&seconds) {
        return Err(ErrorCode::ClockInsane.into());
    }
    u32::try_from(seconds).map_err(|_| ErrorCode::ClockInsane.into())
}

fn salt() -> Result<u32> {
    let random = getrandom::u32().map_err(|_| Failure::Row("the system has no random numbers"))?;
    Ok(random % MAX_SALT + 1)
}

fn unsigned(number: i32) -> Result<u32> {
    u32::try_from(number).map_err(|_| Failure::Row("a number is negative"))
}

fn sha256_hex(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
