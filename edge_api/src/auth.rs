//! Verification of access tokens: signature, times, audience, role and subject.

mod bearer;

use std::fmt;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::caller::{Claims, Role};
use crate::contract::parse_uuid;

/// The tolerated difference between the clocks of issuer and service; PostgREST allows the same.
const LEEWAY_S: u64 = 30;

/// The audience of every token that Supabase Auth gives to a signed-in user.
const USER_AUDIENCE: &str = "authenticated";

/// Refusal of an access token, or of a request without one.
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
    pub fn verify(&self, token: &str) -> Result<(Role, Option<Uuid>, Claims), AuthError> {
        let claims = decode::<Map<String, Value>>(token, &self.key, &self.validation)
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => AuthError::Expired,
                ErrorKind::InvalidAlgorithm => AuthError::Invalid("algorithm"),
                ErrorKind::InvalidSignature => AuthError::Invalid("signature"),
                ErrorKind::MissingRequiredClaim(_) => AuthError::Invalid("no exp"),
                _ => AuthError::Invalid("malformed or not yet valid"),
            })?
            .claims;
        let (role, user_id) = role_of(&claims)?;
        Ok((role, user_id, Claims::new(claims)))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(..)")
    }
}

/// The role, and the user where the role is one of users.
fn role_of(claims: &Map<String, Value>) -> Result<(Role, Option<Uuid>), AuthError> {
    match claims.get("role").and_then(Value::as_str) {
        Some("service_role") => Ok((Role::ServiceRole, None)),
        Some("anon") => Err(AuthError::Anonymous),
        Some("authenticated") => {
            if !audience_is_right(claims) {
                return Err(AuthError::Invalid("audience"));
            }
            let subject = claims.get("sub").and_then(Value::as_str);
            let user_id = subject.and_then(|subject| parse_uuid(subject).ok());
            let user_id = user_id.ok_or(AuthError::Invalid("subject"))?;
            Ok((Role::Authenticated, Some(user_id)))
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
