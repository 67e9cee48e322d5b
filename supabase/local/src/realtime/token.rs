//! The subject that a channel acts for: a verified token, or its refusal in Realtime's words.

use crate::jwt::{self, ApiRole, Claims, TokenError, TokenKey};

/// Supabase's opaque keys; in an access token they mean "use the connection's".
const OPAQUE_KEY_PREFIX: &str = "sb_";

/// Everything that a policy may ask about the one who joins.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    pub role: ApiRole,
    pub user: Option<String>,
    pub claims_json: String,
    pub headers_json: String,
    pub expires_at_s: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    #[error("InvalidJWTToken: Token has expired {0} seconds ago")]
    Expired(u64),
    #[error("InvalidJWTToken: Fields `role` and `exp` are required in JWT")]
    Claims,
    #[error("MalformedJWT: The token provided is not a valid JWT")]
    Malformed,
    #[error("JwtSignatureError: Failed to validate JWT signature")]
    Signature,
}

/// Checks a token that a client sent; `None` when it means the connection's own.
pub fn subject(
    key: &TokenKey,
    token: &str,
    headers_json: &str,
) -> Result<Option<Subject>, SubjectError> {
    if token.starts_with(OPAQUE_KEY_PREFIX) {
        return Ok(None);
    }
    let claims = key
        .verify(token, jwt::now_s(), 0)
        .map_err(|error| match error {
            TokenError::Expired { seconds_ago } => SubjectError::Expired(seconds_ago),
            TokenError::NotYetValid => SubjectError::Claims,
            TokenError::Malformed | TokenError::NoTime(_) => SubjectError::Malformed,
            TokenError::Algorithm | TokenError::Signature => SubjectError::Signature,
        })?;
    from_claims(&claims, headers_json).map(Some)
}

/// The subject of claims that were checked.
pub fn from_claims(claims: &Claims, headers_json: &str) -> Result<Subject, SubjectError> {
    let role = claims.role().ok().flatten().ok_or(SubjectError::Claims)?;
    Ok(Subject {
        role,
        user: claims.text("sub").map(str::to_owned),
        claims_json: claims.to_json(role),
        headers_json: headers_json.to_owned(),
        expires_at_s: claims.expires_at_s().ok_or(SubjectError::Claims)?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(claims: Value) -> Result<Option<Subject>, SubjectError> {
        let key = TokenKey::new(&"a secret of more than 32 characters".to_owned().into());
        let token = key.sign(&claims).unwrap();
        subject(&key, &token, "{}")
    }

    #[test]
    fn a_token_needs_a_role_and_an_expiry() {
        let later = jwt::now_s() + 60;
        assert!(check(json!({"role": "authenticated", "exp": later, "sub": "u"})).is_ok());
        assert_eq!(
            check(json!({"role": "authenticated"})),
            Err(SubjectError::Claims)
        );
        assert_eq!(check(json!({"exp": later})), Err(SubjectError::Claims));
        assert_eq!(
            check(json!({"role": "postgres", "exp": later})),
            Err(SubjectError::Claims)
        );
    }

    #[test]
    fn an_expired_token_is_told_since_when() {
        let refused = check(json!({"role": "anon", "exp": jwt::now_s() - 100}));
        assert!(matches!(refused, Err(SubjectError::Expired(100..=105))));
    }

    #[test]
    fn an_opaque_key_means_the_connections_own_token() {
        let key = TokenKey::new(&"a secret of more than 32 characters".to_owned().into());
        assert_eq!(subject(&key, "sb_publishable_x", "{}"), Ok(None));
        assert_eq!(subject(&key, "x", "{}"), Err(SubjectError::Malformed));
    }
}
