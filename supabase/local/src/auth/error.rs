//! Refusals of the sign-in routes, in the words that supabase-js expects.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use deadpool_postgres::PoolError;
use serde_json::json;
use tracing::warn;

use crate::jwt::{SignError, TokenError};

#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error("Invalid login credentials")]
    InvalidCredentials,
    #[error("User is banned")]
    UserBanned,
    #[error("Email not confirmed")]
    EmailNotConfirmed,
    /// A row of auth.users has null where Supabase Auth reads a text.
    #[error("Database error querying schema")]
    UnreadableUser,
    #[error("User already registered")]
    UserExists,
    #[error("Password should be at least 6 characters")]
    WeakPassword,
    #[error("Invalid Refresh Token: Refresh Token Not Found")]
    RefreshTokenNotFound,
    #[error("Invalid Refresh Token: Already Used")]
    RefreshTokenUsed,
    #[error("unsupported_grant_type: only password and refresh_token are served")]
    GrantType,
    #[error("A member of the request body is missing")]
    MissingMember,
    #[error("This endpoint requires a valid Bearer token")]
    NoAuthorization,
    #[error("invalid JWT: {0}")]
    Token(#[from] TokenError),
    #[error("Session from session_id claim in JWT does not exist")]
    SessionNotFound,
    #[error("Token could not be signed")]
    Sign(#[from] SignError),
    #[error("The database did not answer as expected")]
    Database(#[from] tokio_postgres::Error),
    #[error("The database cannot be reached")]
    Pool(#[from] PoolError),
    #[error("The database answered something unexpected")]
    Answer(#[from] serde_json::Error),
}

impl AuthError {
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::InvalidCredentials => (StatusCode::BAD_REQUEST, "invalid_credentials"),
            Self::UserBanned => (StatusCode::BAD_REQUEST, "user_banned"),
            Self::EmailNotConfirmed => (StatusCode::BAD_REQUEST, "email_not_confirmed"),
            Self::UserExists => (StatusCode::UNPROCESSABLE_ENTITY, "user_already_exists"),
            Self::WeakPassword => (StatusCode::UNPROCESSABLE_ENTITY, "weak_password"),
            Self::RefreshTokenNotFound => (StatusCode::BAD_REQUEST, "refresh_token_not_found"),
            Self::RefreshTokenUsed => (StatusCode::BAD_REQUEST, "refresh_token_already_used"),
            Self::GrantType | Self::MissingMember => (StatusCode::BAD_REQUEST, "validation_failed"),
            Self::NoAuthorization => (StatusCode::UNAUTHORIZED, "no_authorization"),
            Self::Token(_) => (StatusCode::FORBIDDEN, "bad_jwt"),
            Self::SessionNotFound => (StatusCode::FORBIDDEN, "session_not_found"),
            Self::Pool(_) => (StatusCode::SERVICE_UNAVAILABLE, "unexpected_failure"),
            Self::UnreadableUser | Self::Sign(_) | Self::Database(_) | Self::Answer(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "unexpected_failure")
            }
        }
    }
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        if status.is_server_error() {
            // The source of a database error may quote a value; its code does not.
            let sqlstate = match &self {
                Self::Database(error) => error.code().map(|state| state.code().to_owned()),
                _ => None,
            };
            warn!(code, sqlstate, "a sign-in route failed: {self}");
        }
        let body = json!({
            "code": status.as_u16(),
            "error_code": code,
            "msg": self.to_string(),
        });
        (status, Json(body)).into_response()
    }
}
