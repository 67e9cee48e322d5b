//! Signing and checking tokens: HS256 with one secret, nothing else.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Map, Value};

/// PostgREST allows clocks to differ by this much; Realtime and the auth routes by nothing.
pub const REST_LEEWAY_S: u64 = 30;

/// A secret in the two forms that signing and checking want.
pub struct TokenKey {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

/// The claims of a token that was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims(Map<String, Value>);

/// The reason for refusing a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the token is not a valid JWT")]
    Malformed,
    #[error("the token is not signed with HS256")]
    Algorithm,
    #[error("the token's signature does not match")]
    Signature,
    #[error("the token expired {seconds_ago} seconds ago")]
    Expired { seconds_ago: u64 },
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("claim {0} of the token is no time")]
    NoTime(&'static str),
}

#[derive(Debug, thiserror::Error)]
#[error("a token could not be signed")]
pub struct SignError(#[from] jsonwebtoken::errors::Error);

/// The database roles that a token may name. Others that the login role could take (itself, or
/// `none`, which SET ROLE reads as itself) must never come from a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiRole {
    Anon,
    Authenticated,
    ServiceRole,
}

impl TokenKey {
    pub fn new(secret: &SecretString) -> Self {
        let bytes = secret.expose_secret().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        // Times are checked here against the caller's clock and leeway.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        Self {
            encoding: EncodingKey::from_secret(bytes),
            decoding: DecodingKey::from_secret(bytes),
            validation,
        }
    }

    /// Signs `claims` with HS256.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, SignError> {
        Ok(jsonwebtoken::encode(
            &Header::new(Algorithm::HS256),
            claims,
            &self.encoding,
        )?)
    }

    /// Checks signature, `exp` and `nbf` as of `now_s` (Unix seconds).
    pub fn verify(&self, token: &str, now_s: u64, leeway_s: u64) -> Result<Claims, TokenError> {
        let decoded =
            jsonwebtoken::decode::<Map<String, Value>>(token, &self.decoding, &self.validation)
                .map_err(|error| match error.kind() {
                    ErrorKind::InvalidSignature => TokenError::Signature,
                    ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => {
                        TokenError::Algorithm
                    }
                    _ => TokenError::Malformed,
                })?;
        let claims = Claims(decoded.claims);
        if let Some(expires_at) = claims.time("exp")? {
            let seconds_ago = now_s.saturating_sub(expires_at);
            if now_s >= expires_at && seconds_ago >= leeway_s {
                return Err(TokenError::Expired { seconds_ago });
            }
        }
        if let Some(not_before) = claims.time("nbf")?
            && not_before > now_s.saturating_add(leeway_s)
        {
            return Err(TokenError::NotYetValid);
        }
        Ok(claims)
    }
}

impl Claims {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// Unix seconds; `None` when the token never expires.
    pub fn expires_at_s(&self) -> Option<u64> {
        self.time("exp").ok().flatten()
    }

    /// The role that the token names: `Ok(None)` when it names none, `Err` when it names one that
    /// no token may name.
    pub fn role(&self) -> Result<Option<ApiRole>, TokenError> {
        match self.0.get("role") {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(name)) => {
                ApiRole::parse(name).map(Some).ok_or(TokenError::Malformed)
            }
            Some(_) => Err(TokenError::Malformed),
        }
    }

    /// The role that the token names, whichever it is.
    pub fn role_name(&self) -> String {
        match self.0.get("role") {
            Some(Value::String(name)) => name.clone(),
            other => other.cloned().unwrap_or_default().to_string(),
        }
    }

    /// The claims as JSON, with `role` set to what was resolved.
    pub fn to_json(&self, role: ApiRole) -> String {
        let mut claims = self.0.clone();
        claims.insert("role".to_owned(), role.as_str().into());
        Value::Object(claims).to_string()
    }

    fn time(&self, name: &'static str) -> Result<Option<u64>, TokenError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => value
                .as_u64()
                .or_else(|| {
                    value
                        .as_f64()
                        .filter(|time| *time >= 0.0)
                        .map(|time| time as u64)
                })
                .map(Some)
                .ok_or(TokenError::NoTime(name)),
        }
    }
}

impl ApiRole {
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "anon" => Some(Self::Anon),
            "authenticated" => Some(Self::Authenticated),
            "service_role" => Some(Self::ServiceRole),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anon => "anon",
            Self::Authenticated => "authenticated",
            Self::ServiceRole => "service_role",
        }
    }
}

/// Unix seconds of this machine's clock.
pub fn now_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
