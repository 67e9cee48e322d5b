//! Who calls? Access tokens are checked here, once, and become a [`Caller`].

use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use stream_core::error::ErrorCode;

use crate::contract::parse_uuid;
use crate::error::ApiError;
use crate::state::AppState;

/// How far the clocks of issuer and service may differ; PostgREST allows the same.
const LEEWAY_S: u64 = 30;

/// The audience of every token that Supabase Auth gives to a signed-in user.
const USER_AUDIENCE: &str = "authenticated";

/// The database role that a request runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A signed-in user, anonymous sign-ins included.
    Authenticated,
    /// A backend of the operator.
    ServiceRole,
}

impl Role {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authenticated => "authenticated",
            Self::ServiceRole => "service_role",
        }
    }
}

/// Verified claims as JSON text: what `request.jwt.claims` holds in the database. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims(String);

impl Claims {
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims(..)")
    }
}

/// A verified caller and the request that they make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub role: Role,
    pub claims: Claims,
    pub method: String,
    pub path: String,
}

impl Caller {
    /// The service itself, for work that no request asked for: no method, no path.
    pub fn service() -> Self {
        Self {
            role: Role::ServiceRole,
            claims: Claims(r#"{"role":"service_role"}"#.to_owned()),
            method: String::new(),
            path: String::new(),
        }
    }
}

/// Why a request has no caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    #[error("no bearer token")]
    Missing,
    #[error("the token is of the anonymous role")]
    Anonymous,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid: {0}")]
    Invalid(&'static str),
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        let code = match error {
            AuthError::Missing | AuthError::Anonymous => ErrorCode::Unauthenticated,
            AuthError::Expired => ErrorCode::TokenExpired,
            AuthError::Invalid(_) => ErrorCode::TokenInvalid,
        };
        Self::new(code).because(error.to_string())
    }
}

/// Checks access tokens against the project's secret.
pub struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

impl Verifier {
    /// Tokens must be signed with HS256 and nothing else: an algorithm that the token chooses would
    /// let anybody sign (RFC 8725, section 3.1).
    pub fn new(secret: &SecretString) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp"]);
        // Whether an audience is due depends on the role: `audience_is_right` checks it.
        validation.validate_aud = false;
        Self {
            key: DecodingKey::from_secret(secret.expose_secret().as_bytes()),
            validation,
        }
    }

    /// The role and claims of a token whose signature, times, audience, role and subject hold.
    pub fn verify(&self, token: &str) -> Result<(Role, Claims), AuthError> {
        let claims = decode::<Map<String, Value>>(token, &self.key, &self.validation)
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => AuthError::Expired,
                ErrorKind::InvalidAlgorithm => AuthError::Invalid("algorithm"),
                ErrorKind::InvalidSignature => AuthError::Invalid("signature"),
                ErrorKind::MissingRequiredClaim(_) => AuthError::Invalid("no exp"),
                _ => AuthError::Invalid("malformed or not yet valid"),
            })?
            .claims;
        let role = role_of(&claims)?;
        Ok((role, Claims(Value::Object(claims).to_string())))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(..)")
    }
}

fn role_of(claims: &Map<String, Value>) -> Result<Role, AuthError> {
    match claims.get("role").and_then(Value::as_str) {
        Some("service_role") => Ok(Role::ServiceRole),
        Some("anon") => Err(AuthError::Anonymous),
        Some("authenticated") => {
            if !audience_is_right(claims) {
                return Err(AuthError::Invalid("audience"));
            }
            let subject = claims.get("sub").and_then(Value::as_str);
            if subject.is_none_or(|subject| parse_uuid(subject).is_err()) {
                return Err(AuthError::Invalid("subject"));
            }
            Ok(Role::Authenticated)
        }
        _ => Err(AuthError::Invalid("role")),
    }
}

/// `aud` is a string or a list of strings (RFC 7519, section 4.1.3).
fn audience_is_right(claims: &Map<String, Value>) -> bool {
    match claims.get("aud") {
        Some(Value::String(audience)) => audience == USER_AUDIENCE,
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == USER_AUDIENCE),
        _ => false,
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let token = bearer_token(parts).ok_or(AuthError::Missing)?;
        let (role, claims) = state.verifier().verify(token)?;
        Ok(Self {
            role,
            claims,
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
        })
    }
}

fn bearer_token(parts: &Parts) -> Option<&str> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?;
    // Two of them: a proxy in front may have looked at the other one.
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
