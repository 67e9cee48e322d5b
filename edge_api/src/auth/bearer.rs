//! The caller of an HTTP request, from the bearer token in its `Authorization` header.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::{AuthError, Verifier};
use crate::caller::{AccessToken, Caller};
use crate::error::ApiError;

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Arc<Verifier>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let token = bearer_token(parts).ok_or(AuthError::Missing)?;
        let verifier = Arc::<Verifier>::from_ref(state);
        let verified = verifier.verify(token).await?;
        Ok(Self {
            role: verified.role,
            user_id: verified.user_id,
            claims: verified.claims.clone(),
            token: Some(AccessToken::new(token)),
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
