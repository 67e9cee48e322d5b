//! Users: finding one, making one, and how one looks to supabase-js.

use deadpool_postgres::Pool;
use serde_json::Value;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::auth::error::AuthError;
use crate::jwt::Claims;

/// Supabase Auth's default.
const MIN_PASSWORD_CHARACTERS: usize = 6;

/// A user `u` of auth.users as the JSON that supabase-js calls `User`.
macro_rules! user_json {
    () => {
        "pg_catalog.json_build_object(
            'id', u.id,
            'aud', 'authenticated',
            'role', 'authenticated',
            'email', coalesce(u.email, ''),
            'email_confirmed_at', u.email_confirmed_at,
            'phone', coalesce(u.phone, ''),
            'confirmed_at', u.confirmed_at,
            'last_sign_in_at', u.last_sign_in_at,
            'app_metadata', coalesce(u.raw_app_meta_data, '{}'),
            'user_metadata', coalesce(u.raw_user_meta_data, '{}'),
            'identities', '[]'::json,
            'created_at', u.created_at,
            'updated_at', u.updated_at,
            'is_anonymous', u.is_anonymous
        )::text"
    };
}
pub(super) use user_json;

/// The case keeps crypt() from a hash that it would raise an error for.
const BY_PASSWORD: &str = "
select u.id, coalesce(u.banned_until > pg_catalog.now(), false)
from auth.users as u
where pg_catalog.lower(u.email) = pg_catalog.lower($1)
  and u.deleted_at is null
  and case
      when u.encrypted_password like '$2%'
      then extensions.crypt($2, u.encrypted_password) = u.encrypted_password
      else false
  end";

const CREATE: &str = "
insert into auth.users (
    id, aud, role, email, encrypted_password, email_confirmed_at,
    raw_app_meta_data, raw_user_meta_data
)
values (
    pg_catalog.gen_random_uuid(), 'authenticated', 'authenticated', pg_catalog.lower($1),
    extensions.crypt($2, extensions.gen_salt('bf')), pg_catalog.now(),
    '{\"provider\": \"email\", \"providers\": [\"email\"]}', $3::text::jsonb
)
returning id";

const CREATE_ANONYMOUS: &str = "
insert into auth.users (id, aud, role, is_anonymous, raw_app_meta_data, raw_user_meta_data)
values (
    pg_catalog.gen_random_uuid(), 'authenticated', 'authenticated', true, '{}', $1::text::jsonb
)
returning id";

const OF_SESSION: &str = concat!(
    "select ",
    user_json!(),
    " from auth.users as u join auth.sessions as s on s.user_id = u.id
    where s.id = $1 and u.id = $2 and u.deleted_at is null"
);

/// The user with this address and password.
pub async fn by_password(pool: &Pool, email: &str, password: &str) -> Result<Uuid, AuthError> {
    let client = pool.get().await?;
    let statement = client.prepare_cached(BY_PASSWORD).await?;
    match client.query_opt(&statement, &[&email, &password]).await? {
        None => Err(AuthError::InvalidCredentials),
        Some(row) if row.get(1) => Err(AuthError::UserBanned),
        Some(row) => Ok(row.get(0)),
    }
}

/// A new user whose address counts as confirmed; nothing is mailed.
pub async fn create(
    pool: &Pool,
    email: &str,
    password: &str,
    metadata: &Value,
) -> Result<Uuid, AuthError> {
    if password.chars().count() < MIN_PASSWORD_CHARACTERS {
        return Err(AuthError::WeakPassword);
    }
    let client = pool.get().await?;
    let statement = client.prepare_cached(CREATE).await?;
    match client
        .query_one(&statement, &[&email, &password, &object(metadata)])
        .await
    {
        Ok(row) => Ok(row.get(0)),
        Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
            Err(AuthError::UserExists)
        }
        Err(error) => Err(error.into()),
    }
}

/// A new user without an address.
pub async fn create_anonymous(pool: &Pool, metadata: &Value) -> Result<Uuid, AuthError> {
    let client = pool.get().await?;
    let statement = client.prepare_cached(CREATE_ANONYMOUS).await?;
    let row = client.query_one(&statement, &[&object(metadata)]).await?;
    Ok(row.get(0))
}

/// The user of a token, as long as the token's session has not ended.
pub async fn of_session(pool: &Pool, claims: &Claims) -> Result<Value, AuthError> {
    let id = |name| {
        claims
            .text(name)
            .and_then(|text| Uuid::parse_str(text).ok())
    };
    let (Some(session), Some(user)) = (id("session_id"), id("sub")) else {
        return Err(AuthError::SessionNotFound);
    };
    let client = pool.get().await?;
    let statement = client.prepare_cached(OF_SESSION).await?;
    match client.query_opt(&statement, &[&session, &user]).await? {
        None => Err(AuthError::SessionNotFound),
        Some(row) => Ok(serde_json::from_str(row.get(0))?),
    }
}

/// User metadata is an object or nothing.
fn object(metadata: &Value) -> String {
    match metadata {
        Value::Object(_) => metadata.to_string(),
        _ => "{}".to_owned(),
    }
}
