//! The identity as which a call is made: role and claims.

use serde_json::{Value, json};
use uuid::Uuid;

/// A database role and the claims of the access token, as PostgREST would set them.
#[derive(Debug, Clone)]
pub struct Identity {
    pub role: &'static str,
    /// Null: no claims are set.
    pub claims: Value,
}

impl Identity {
    /// A signed-in user.
    pub fn user(id: Uuid) -> Self {
        Self::with_claims(
            "authenticated",
            json!({"sub": id, "role": "authenticated", "is_anonymous": false}),
        )
    }

    /// A user who signed in without an account.
    pub fn anonymous_user(id: Uuid) -> Self {
        Self::with_claims(
            "authenticated",
            json!({"sub": id, "role": "authenticated", "is_anonymous": true}),
        )
    }

    /// The holder of the service key.
    pub fn service() -> Self {
        Self::with_claims("service_role", json!({"role": "service_role"}))
    }

    /// The holder of nothing but the public key.
    pub fn anon() -> Self {
        Self::with_claims("anon", json!({"role": "anon"}))
    }

    pub fn with_claims(role: &'static str, claims: Value) -> Self {
        Self { role, claims }
    }

    /// The text of setting `request.jwt.claims`.
    pub fn claims_text(&self) -> String {
        match &self.claims {
            Value::Null => String::new(),
            // As it stands, so that claims which are no JSON can be sent.
            Value::String(text) => text.clone(),
            claims => claims.to_string(),
        }
    }
}
