//! The caller of an operation: database role, verified claims and the request that is made.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

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

/// Verified claims as JSON text: what `request.jwt.claims` holds in the database, as they were signed.
/// Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims(Arc<str>);

impl Claims {
    /// The claims of a token that has been verified.
    pub(crate) fn new(json: impl Into<Arc<str>>) -> Self {
        Self(json.into())
    }

    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims(..)")
    }
}

/// The token that a caller came with, for an upstream that checks it again. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(Arc<str>);

impl AccessToken {
    pub(crate) fn new(token: &str) -> Self {
        Self(token.into())
    }

    /// For whoever checks it again, and nobody else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(..)")
    }
}

/// A verified caller and the request that they make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub role: Role,
    /// The user that the claims name; none of the service.
    pub user_id: Option<Uuid>,
    pub claims: Claims,
    /// None of the service itself.
    pub token: Option<AccessToken>,
    pub method: String,
    pub path: String,
}

impl Caller {
    /// The service itself, for work that no request asked for: no method, no path.
    pub fn service() -> Self {
        Self {
            role: Role::ServiceRole,
            user_id: None,
            claims: Claims::new(r#"{"role":"service_role"}"#),
            token: None,
            method: String::new(),
            path: String::new(),
        }
    }
}
