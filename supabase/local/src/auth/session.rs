//! Sessions: the answer to a sign-in, and spending a refresh token.

use deadpool_postgres::Pool;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::auth::error::AuthError;
use crate::auth::service::Auth;
use crate::auth::user::{self, is_visible, user_json};
use crate::jwt::{self, Claims};

/// `$1` user. Answers (session, refresh token, user).
const START: &str = concat!(
    "with signed_in as (
        update auth.users
        set last_sign_in_at = pg_catalog.now(), updated_at = pg_catalog.now()
        where id = $1
        returning *
    ),
    session as (
        insert into auth.sessions (user_id) select id from signed_in returning id
    ),
    fresh as materialized (
        select pg_catalog.encode(extensions.gen_random_bytes(24), 'hex') as token
    ),
    kept as (
        insert into auth.refresh_tokens (token_sha256, session_id)
        select pg_catalog.sha256(pg_catalog.convert_to(fresh.token, 'UTF8')), session.id
        from fresh, session
    )
    select session.id, fresh.token, ",
    user_json!(),
    " from session, fresh, signed_in as u"
);

/// `$1` refresh token. A token that was spent in the last ten seconds is good once more: the
/// answer to its first use may have been lost on the way. Answers like START.
const CONTINUE: &str = concat!(
    "with spent as (
        update auth.refresh_tokens as r
        set revoked = true, updated_at = case when r.revoked then r.updated_at else pg_catalog.now() end
        where r.token_sha256 = pg_catalog.sha256(pg_catalog.convert_to($1::text, 'UTF8'))
          and (not r.revoked or r.updated_at > pg_catalog.now() - interval '10 seconds')
        returning r.session_id
    ),
    session as (
        update auth.sessions as s
        set updated_at = pg_catalog.now()
        from spent
        where s.id = spent.session_id
        returning s.id, s.user_id
    ),
    fresh as materialized (
        select pg_catalog.encode(extensions.gen_random_bytes(24), 'hex') as token
    ),
    kept as (
        insert into auth.refresh_tokens (token_sha256, session_id)
        select pg_catalog.sha256(pg_catalog.convert_to(fresh.token, 'UTF8')), session.id
        from fresh, session
    )
    select session.id, fresh.token, ",
    user_json!(),
    ", coalesce(u.banned_until > pg_catalog.now(), false)
    from session, fresh, auth.users as u
    where u.id = session.user_id and u.deleted_at is null and ",
    is_visible!()
);

/// A token that is shown again after its time was stolen from one of the two who show it: the
/// session ends.
const END_OF_REUSED: &str = "
delete from auth.sessions as s
using auth.refresh_tokens as r
where r.session_id = s.id
  and r.token_sha256 = pg_catalog.sha256(pg_catalog.convert_to($1::text, 'UTF8'))";

const END: &str = "
delete from auth.sessions as s
where s.user_id = $1
  and case $3
      when 'local' then s.id = $2
      when 'others' then s.id is distinct from $2
      else true
  end";

/// The answer to a sign-in.
#[derive(Serialize)]
pub struct SignedIn {
    access_token: String,
    token_type: &'static str,
    expires_in: u32,
    expires_at: u64,
    refresh_token: String,
    user: Value,
}

/// The sessions that signing out ends; supabase-js names one, the route's default is all of them.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    #[default]
    Global,
    Local,
    Others,
}

pub async fn by_password(auth: &Auth, email: &str, password: &str) -> Result<SignedIn, AuthError> {
    let user = user::by_password(&auth.pool, email, password).await?;
    start(auth, user).await
}

/// A new session of a user whose credentials were checked.
pub async fn start(auth: &Auth, user: Uuid) -> Result<SignedIn, AuthError> {
    let client = auth.pool.get().await?;
    let statement = client.prepare_cached(START).await?;
    let row = client
        .query_opt(&statement, &[&user])
        .await?
        .ok_or(AuthError::InvalidCredentials)?;
    signed_in(auth, &row)
}

/// The session of a refresh token goes on with new tokens.
pub async fn by_refresh_token(auth: &Auth, token: &str) -> Result<SignedIn, AuthError> {
    let mut client = auth.pool.get().await?;
    let transaction = client.transaction().await?;
    let statement = transaction.prepare_cached(CONTINUE).await?;
    let row = transaction.query_opt(&statement, &[&token]).await?;
    if let Some(row) = row {
        if row.get(3) {
            return Err(AuthError::UserBanned);
        }
        let session = signed_in(auth, &row)?;
        transaction.commit().await?;
        return Ok(session);
    }
    let ended = transaction.execute(END_OF_REUSED, &[&token]).await?;
    transaction.commit().await?;
    match ended {
        0 => Err(AuthError::RefreshTokenNotFound),
        _ => Err(AuthError::RefreshTokenUsed),
    }
}

/// Ends the sessions in `scope` of the token's user. Access tokens live on to their expiry.
pub async fn end(pool: &Pool, claims: &Claims, scope: Scope) -> Result<(), AuthError> {
    let id = |name| {
        claims
            .text(name)
            .and_then(|text| Uuid::parse_str(text).ok())
    };
    let user = id("sub").ok_or(AuthError::SessionNotFound)?;
    let scope = match scope {
        Scope::Global => "global",
        Scope::Local => "local",
        Scope::Others => "others",
    };
    let client = pool.get().await?;
    let statement = client.prepare_cached(END).await?;
    client
        .execute(&statement, &[&user, &id("session_id"), &scope])
        .await?;
    Ok(())
}

fn signed_in(auth: &Auth, row: &Row) -> Result<SignedIn, AuthError> {
    let session: Uuid = row.get(0);
    let user: Value = serde_json::from_str(row.get(2))?;
    let now_s = jwt::now_s();
    let expires_at = now_s + u64::from(auth.jwt_expiry_s);
    let method = if user["is_anonymous"] == true {
        "anonymous"
    } else {
        "password"
    };
    let access_token = auth.token_key.sign(&json!({
        "iss": auth.issuer,
        "sub": user["id"],
        "aud": "authenticated",
        "role": "authenticated",
        "iat": now_s,
        "exp": expires_at,
        "email": user["email"],
        "phone": user["phone"],
        "app_metadata": user["app_metadata"],
        "user_metadata": user["user_metadata"],
        "is_anonymous": user["is_anonymous"],
        "aal": "aal1",
        "amr": [{ "method": method, "timestamp": now_s }],
        "session_id": session,
    }))?;
    Ok(SignedIn {
        access_token,
        token_type: "bearer",
        expires_in: auth.jwt_expiry_s,
        expires_at,
        refresh_token: row.get(1),
        user,
    })
}
