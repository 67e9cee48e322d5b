//! The sign-in routes of `/auth/v1`: as much of Supabase Auth as supabase-js needs to hold a
//! session.

mod error;
mod session;
mod user;

use axum::Json;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api_key;
use crate::auth::error::AuthError;
use crate::auth::session::{Scope, SignedIn};
use crate::gateway::SharedGateway;
use crate::jwt::{self, Claims};

pub fn router() -> Router<SharedGateway> {
    Router::new()
        .route("/health", get(health))
        .route("/.well-known/jwks.json", get(no_public_keys))
        .route("/signup", post(sign_up))
        .route("/token", post(token))
        .route("/user", get(get_user))
        .route("/logout", post(log_out))
}

#[derive(Deserialize)]
struct Grant {
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
    State(gateway): State<SharedGateway>,
    Query(grant): Query<Grant>,
    headers: HeaderMap,
    Json(credentials): Json<Credentials>,
) -> Result<Json<SignedIn>, Response> {
    check_api_key(&gateway, &headers)?;
    let session = match (grant.grant_type.as_str(), credentials) {
        (
            "password",
            Credentials {
                email: Some(email),
                password: Some(password),
                ..
            },
        ) => session::by_password(&gateway, &email, &password).await,
        (
            "refresh_token",
            Credentials {
                refresh_token: Some(token),
                ..
            },
        ) => session::by_refresh_token(&gateway, &token).await,
        ("password" | "refresh_token", _) => Err(AuthError::MissingMember),
        _ => Err(AuthError::GrantType),
    };
    session.map(Json).map_err(AuthError::into_response)
}

/// With an address and a password a new user; with neither an anonymous one.
async fn sign_up(
    State(gateway): State<SharedGateway>,
    headers: HeaderMap,
    Json(credentials): Json<Credentials>,
) -> Result<Json<SignedIn>, Response> {
    check_api_key(&gateway, &headers)?;
    let user = match (credentials.email, credentials.password) {
        (Some(email), Some(password)) => {
            user::create(&gateway.auth_pool, &email, &password, &credentials.data).await
        }
        (None, None) => user::create_anonymous(&gateway.auth_pool, &credentials.data).await,
        _ => Err(AuthError::MissingMember),
    };
    let user = user.map_err(AuthError::into_response)?;
    session::start(&gateway, user)
        .await
        .map(Json)
        .map_err(AuthError::into_response)
}

async fn get_user(
    State(gateway): State<SharedGateway>,
    headers: HeaderMap,
) -> Result<Json<Value>, Response> {
    check_api_key(&gateway, &headers)?;
    let claims = bearer_claims(&gateway, &headers).map_err(AuthError::into_response)?;
    user::of_session(&gateway.auth_pool, &claims)
        .await
        .map(Json)
        .map_err(AuthError::into_response)
}

async fn log_out(
    State(gateway): State<SharedGateway>,
    Query(LogOut { scope }): Query<LogOut>,
    headers: HeaderMap,
) -> Result<StatusCode, Response> {
    check_api_key(&gateway, &headers)?;
    let claims = bearer_claims(&gateway, &headers).map_err(AuthError::into_response)?;
    session::end(&gateway.auth_pool, &claims, scope)
        .await
        .map_err(AuthError::into_response)?;
    Ok(StatusCode::NO_CONTENT)
}

// The response is what axum wants as an error here; boxing it would only move it.
#[allow(clippy::result_large_err)]
fn check_api_key(gateway: &SharedGateway, headers: &HeaderMap) -> Result<(), Response> {
    match api_key::from_headers(&gateway.key, headers) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.into_response()),
    }
}

fn bearer_claims(gateway: &SharedGateway, headers: &HeaderMap) -> Result<Claims, AuthError> {
    let token = api_key::bearer(headers).ok_or(AuthError::NoAuthorization)?;
    Ok(gateway.key.verify(token, jwt::now_s(), 0)?)
}
