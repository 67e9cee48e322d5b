//! The sign-in routes of `/auth/v1`: as much of Supabase Auth as supabase-js needs to hold a
//! session.

mod error;
mod service;
mod session;
mod user;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

pub use self::service::Auth;

use crate::api_key;
use crate::auth::error::AuthError;
use crate::auth::session::{Scope, SignedIn};
use crate::jwt::{self, Claims};

/// The routes of `/auth/v1`.
pub fn router(auth: Arc<Auth>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/.well-known/jwks.json", get(no_public_keys))
        .route("/signup", post(sign_up))
        .route("/token", post(token))
        .route("/user", get(get_user))
        .route("/logout", post(log_out))
        .with_state(auth)
}

#[derive(Deserialize)]
struct GrantQuery {
    grant_type: String,
}

/// The members that the routes use; supabase-js sends more.
#[derive(Deserialize)]
struct Credentials {
    email: Option<String>,
    password: Option<String>,
    refresh_token: Option<String>,
    #[serde(default)]
    data: Value,
}

#[derive(Deserialize)]
struct LogOut {
    #[serde(default)]
    scope: Scope,
}

async fn health() -> Json<Value> {
    Json(json!({
        "name": "supabase_local",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "stand-in for Supabase Auth, for development and tests only",
    }))
}

/// Tokens are signed with a shared secret, so there is no public key to show.
async fn no_public_keys() -> Json<Value> {
    Json(json!({ "keys": [] }))
}

async fn token(
    State(auth): State<Arc<Auth>>,
    Query(grant): Query<GrantQuery>,
    headers: HeaderMap,
    Json(credentials): Json<Credentials>,
) -> Result<Json<SignedIn>, Response> {
    check_api_key(&auth, &headers)?;
    let session = match (grant.grant_type.as_str(), credentials) {
        (
            "password",
            Credentials {
                email: Some(email),
                password: Some(password),
                ..
            },
        ) => session::by_password(&auth, &email, &password).await,
        (
            "refresh_token",
            Credentials {
                refresh_token: Some(token),
                ..
            },
        ) => session::by_refresh_token(&auth, &token).await,
        ("password" | "refresh_token", _) => Err(AuthError::MissingMember),
        _ => Err(AuthError::GrantType),
    };
    session.map(Json).map_err(AuthError::into_response)
}

/// With an address and a password a new user; with neither an anonymous one.
async fn sign_up(
    State(auth): State<Arc<Auth>>,
    headers: HeaderMap,
    Json(credentials): Json<Credentials>,
) -> Result<Json<SignedIn>, Response> {
    check_api_key(&auth, &headers)?;
    let user = match (credentials.email, credentials.password) {
        (Some(email), Some(password)) => {
            user::create(&auth.pool, &email, &password, &credentials.data).await
        }
        (None, None) => user::create_anonymous(&auth.pool, &credentials.data).await,
        _ => Err(AuthError::MissingMember),
    };
    let user = user.map_err(AuthError::into_response)?;
    session::start(&auth, user)
        .await
        .map(Json)
        .map_err(AuthError::into_response)
}

async fn get_user(
    State(auth): State<Arc<Auth>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Response> {
    check_api_key(&auth, &headers)?;
    let claims = bearer_claims(&auth, &headers).map_err(AuthError::into_response)?;
    user::of_session(&auth.pool, &claims)
        .await
        .map(Json)
        .map_err(AuthError::into_response)
}

async fn log_out(
    State(auth): State<Arc<Auth>>,
    Query(LogOut { scope }): Query<LogOut>,
    headers: HeaderMap,
) -> Result<StatusCode, Response> {
    check_api_key(&auth, &headers)?;
    let claims = bearer_claims(&auth, &headers).map_err(AuthError::into_response)?;
    session::end(&auth.pool, &claims, scope)
        .await
        .map_err(AuthError::into_response)?;
    Ok(StatusCode::NO_CONTENT)
}

// The response is what axum wants as an error here; boxing it would only move it.
#[allow(clippy::result_large_err)]
fn check_api_key(auth: &Auth, headers: &HeaderMap) -> Result<(), Response> {
    match api_key::from_headers(&auth.token_key, headers) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.into_response()),
    }
}

fn bearer_claims(auth: &Auth, headers: &HeaderMap) -> Result<Claims, AuthError> {
    let token = api_key::bearer(headers).ok_or(AuthError::NoAuthorization)?;
    Ok(auth.token_key.verify(token, jwt::now_s(), 0)?)
}
