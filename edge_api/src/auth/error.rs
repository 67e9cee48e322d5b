//! Refusals of access tokens.

/// Refusal of an access token, or of a request without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    #[error("no bearer token")]
    Missing,
    #[error("the token is of the anonymous role")]
    Anonymous,
    #[error("an API key was sent as a bearer token")]
    ApiKey,
    #[error("the token has expired")]
    Expired,
    #[error("the token names a key that is not known")]
    UnknownKey,
    #[error("the token names a key, and no key set was read yet")]
    NoKeySet,
    #[error("the token is not valid: {0}")]
    Invalid(&'static str),
}
