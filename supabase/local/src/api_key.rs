//! API keys: only requests that carry the anon or the service_role key pass the gateway.

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::jwt::{self, ApiRole, Claims, TokenKey};

/// A key that was checked.
#[derive(Clone)]
pub struct ApiKey {
    pub claims: Claims,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    #[error("No API key found in request")]
    Missing,
    #[error("Invalid API key")]
    Invalid,
}

/// Checks header `apikey`.
pub fn from_headers(key: &TokenKey, headers: &HeaderMap) -> Result<ApiKey, ApiKeyError> {
    let presented = headers.get("apikey").ok_or(ApiKeyError::Missing)?;
    parse(key, presented.to_str().map_err(|_| ApiKeyError::Invalid)?)
}

/// An API key is a token of role anon or service_role that names no user.
pub fn parse(key: &TokenKey, presented: &str) -> Result<ApiKey, ApiKeyError> {
    let claims = key
        .verify(presented, jwt::now_s(), 0)
        .map_err(|_| ApiKeyError::Invalid)?;
    match claims.role() {
        Ok(Some(ApiRole::Anon | ApiRole::ServiceRole)) if claims.text("sub").is_none() => {
            Ok(ApiKey { claims })
        }
        _ => Err(ApiKeyError::Invalid),
    }
}

/// The token of header `Authorization: Bearer`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get("authorization")?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim())
        .filter(|token| !token.is_empty())
}

impl IntoResponse for ApiKeyError {
    fn into_response(self) -> Response {
        let body = json!({
            "message": self.to_string(),
            "hint": "Send the anon or the service_role key in the `apikey` header.",
        });
        (StatusCode::UNAUTHORIZED, Json(body)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::keys::api_key;

    fn key() -> TokenKey {
        TokenKey::new(&"a secret of more than 32 characters".to_owned().into())
    }

    #[test]
    fn both_api_keys_pass() {
        for role in [ApiRole::Anon, ApiRole::ServiceRole] {
            let token = api_key(&key(), role, jwt::now_s()).unwrap();
            let claims = parse(&key(), &token).unwrap().claims;
            assert_eq!(claims.role(), Ok(Some(role)));
        }
    }

    #[test]
    fn a_user_token_is_no_api_key() {
        let token = key()
            .sign(&json!({"role": "authenticated", "sub": "u"}))
            .unwrap();
        assert_eq!(parse(&key(), &token).err(), Some(ApiKeyError::Invalid));
        let token = key().sign(&json!({"role": "anon", "sub": "u"})).unwrap();
        assert_eq!(parse(&key(), &token).err(), Some(ApiKeyError::Invalid));
    }

    #[test]
    fn a_request_without_a_key_is_told_so() {
        assert_eq!(
            from_headers(&key(), &HeaderMap::new()).err(),
            Some(ApiKeyError::Missing)
        );
    }

    #[test]
    fn only_a_bearer_token_is_read_from_authorization() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer(&headers), None);
        headers.insert("authorization", "Basic abc".parse().unwrap());
        assert_eq!(bearer(&headers), None);
        headers.insert("authorization", "bearer abc".parse().unwrap());
        assert_eq!(bearer(&headers), Some("abc"));
    }
}
