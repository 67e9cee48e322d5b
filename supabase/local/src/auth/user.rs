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

/// The users that Supabase Auth looks among: it finds no user of another instance or audience.
macro_rules! is_visible {
    () => {
        "u.instance_id = '00000000-0000-0000-0000-000000000000'
         and u.aud = 'authenticated' and not u.is_sso_user"
    };
}
pub(super) use is_visible;

/// Answers (id, can be read, has the password, is banned, is confirmed). Supabase Auth reads these columns
/// into variables that hold no null, so that one null fails the request; the password comes after that. The
/// case keeps crypt() from a hash that it would raise an error for.
const BY_PASSWORD: &str = concat!(
    "select u.id,
        pg_catalog.num_nulls(
            u.role, u.confirmation_token, u.recovery_token, u.email_change_token_new, u.email_change,
            u.email_change_token_current, u.email_change_confirm_status, u.phone_change,
            u.phone_change_token, u.reauthentication_token, u.created_at, u.updated_at
        ) = 0,
        case
            when u.encrypted_password like '$2%'
            then extensions.crypt($2, u.encrypted_password) = u.encrypted_password
            else false
        end,
        coalesce(u.banned_until > pg_catalog.now(), false),
        u.email_confirmed_at is not null
    from auth.users as u
    where pg_catalog.lower(u.email) = pg_catalog.lower($1)
      and u.deleted_at is null
      and ",
    is_visible!()
);

/// The columns that Supabase Auth writes for every new user, and those that have no default.
macro_rules! insert_user {
    ($columns:literal, $values:literal) => {
        concat!(
            "insert into auth.users (
                id, instance_id, aud, role, confirmation_token, recovery_token, email_change_token_new,
                email_change, created_at, updated_at, ",
            $columns,
            ")
            values (
                pg_catalog.gen_random_uuid(), '00000000-0000-0000-0000-000000000000', 'authenticated',
                'authenticated', '', '', '', '', pg_catalog.now(), pg_catalog.now(), ",
            $values,
            ")
            returning id"
        )
    };
}

const CREATE: &str = insert_user!(
    "email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data",
    "pg_catalog.lower($1), extensions.crypt($2, extensions.gen_salt('bf')), pg_catalog.now(),
     '{\"provider\": \"email\", \"providers\": [\"email\"]}', $3::text::jsonb"
);

const CREATE_ANONYMOUS: &str = insert_user!(
    "is_anonymous, raw_app_meta_data, raw_user_meta_data",
    "true, '{}', $1::text::jsonb"
);

const OF_SESSION: &str = concat!(
    "select ",
    user_json!(),
    " from auth.users as u join auth.sessions as s on s.user_id = u.id
    where s.id = $1 and u.id = $2 and u.deleted_at is null and ",
    is_visible!()
);

/// The user with this address and password.
pub async fn by_password(pool: &Pool, email: &str, password: &str) -> Result<Uuid, AuthError> {
    let client = pool.get().await?;
    let statement = client.prepare_cached(BY_PASSWORD).await?;
    let Some(row) = client.query_opt(&statement, &[&email, &password]).await? else {
        return Err(AuthError::InvalidCredentials);
    };
    let [can_be_read, has_password, is_banned, is_confirmed]: [bool; 4] =
        [1, 2, 3, 4].map(|place| row.get(place));
    match () {
        () if !can_be_read => Err(AuthError::UnreadableUser),
        () if !has_password => Err(AuthError::InvalidCredentials),
        () if is_banned => Err(AuthError::UserBanned),
        () if !is_confirmed => Err(AuthError::EmailNotConfirmed),
        () => Ok(row.get(0)),
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
