//! Refusals of a bearer token in PostgREST's words: PGRST301 where it cannot be decoded, PGRST303 where its claims are wrong.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::jwt::TokenError;

/// The code and the texts of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRefusal {
    pub code: &'static str,
    pub message: String,
    pub details: Option<&'static str>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

impl TokenRefusal {
    /// The refusal of a token that was not verified.
    pub fn new(token: &str, error: TokenError) -> Self {
        let parts = token.split('.').count();
        if parts != 3 {
            return Self::undecoded(format!("Expected 3 parts in JWT; got {parts}"), None);
        }
        match error {
            TokenError::Expired { .. } => Self::wrong_claims("JWT expired"),
            TokenError::NotYetValid => Self::wrong_claims("JWT not yet valid"),
            TokenError::NoTime(claim) => Self {
                code: "PGRST303",
                message: format!("The JWT '{claim}' claim must be a number"),
                details: None,
            },
            TokenError::Signature => Self::undecoded(
                "No suitable key or wrong key type",
                Some("None of the keys was able to decode the JWT"),
            ),
            TokenError::Algorithm | TokenError::Malformed => match algorithm(token).as_deref() {
                None => Self::undecoded("JWT couldn't be decoded", None),
                Some("none") => Self::undecoded(
                    "Wrong or unsupported encoding algorithm",
                    Some("JWT is unsecured but expected 'alg' was not 'none'"),
                ),
                Some("HS256") => Self::wrong_claims("Parsing claims failed"),
                Some(_) => Self::undecoded(
                    "No suitable key or wrong key type",
                    Some("No suitable key was found to decode the JWT"),
                ),
            },
        }
    }

    /// The header `WWW-Authenticate`.
    pub fn challenge(&self) -> String {
        let message = self.message.replace('\\', "\\\\").replace('"', "\\\"");
        format!("Bearer error=\"invalid_token\", error_description=\"{message}\"")
    }

    fn undecoded(message: impl Into<String>, details: Option<&'static str>) -> Self {
        Self {
            code: "PGRST301",
            message: message.into(),
            details,
        }
    }

    fn wrong_claims(message: &str) -> Self {
        Self {
            code: "PGRST303",
            message: message.to_owned(),
            details: None,
        }
    }
}

/// The algorithm that the header of a token names.
fn algorithm(token: &str) -> Option<String> {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    let Header { alg } = serde_json::from_slice(&header).ok()?;
    Some(alg)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// {"alg":"none"}, {"alg":"HS256"} and {"alg":"RS256"}.
    const NONE: &str = "eyJhbGciOiJub25lIn0.e30.";
    const HS256: &str = "eyJhbGciOiJIUzI1NiJ9.e30.x";
    const RS256: &str = "eyJhbGciOiJSUzI1NiJ9.e30.x";

    fn words(token: &str, error: TokenError) -> (&'static str, String, Option<&'static str>) {
        let refusal = TokenRefusal::new(token, error);
        (refusal.code, refusal.message, refusal.details)
    }

    #[test]
    fn every_refusal_has_postgrests_code_and_words() {
        for (token, error, code, message, details) in [
            (
                "a.b",
                TokenError::Malformed,
                "PGRST301",
                "Expected 3 parts in JWT; got 2",
                None,
            ),
            (
                "?.b.c",
                TokenError::Malformed,
                "PGRST301",
                "JWT couldn't be decoded",
                None,
            ),
            (
                NONE,
                TokenError::Malformed,
                "PGRST301",
                "Wrong or unsupported encoding algorithm",
                Some("JWT is unsecured but expected 'alg' was not 'none'"),
            ),
            (
                RS256,
                TokenError::Algorithm,
                "PGRST301",
                "No suitable key or wrong key type",
                Some("No suitable key was found to decode the JWT"),
            ),
            (
                HS256,
                TokenError::Signature,
                "PGRST301",
                "No suitable key or wrong key type",
                Some("None of the keys was able to decode the JWT"),
            ),
            (
                HS256,
                TokenError::Malformed,
                "PGRST303",
                "Parsing claims failed",
                None,
            ),
            (
                HS256,
                TokenError::Expired { seconds_ago: 31 },
                "PGRST303",
                "JWT expired",
                None,
            ),
            (
                HS256,
                TokenError::NotYetValid,
                "PGRST303",
                "JWT not yet valid",
                None,
            ),
            (
                HS256,
                TokenError::NoTime("exp"),
                "PGRST303",
                "The JWT 'exp' claim must be a number",
                None,
            ),
        ] {
            assert_eq!(words(token, error), (code, message.to_owned(), details));
        }
    }

    #[test]
    fn the_challenge_quotes_the_message() {
        let refusal = TokenRefusal::new(HS256, TokenError::NotYetValid);
        assert_eq!(
            refusal.challenge(),
            r#"Bearer error="invalid_token", error_description="JWT not yet valid""#
        );
    }
}
