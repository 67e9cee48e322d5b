//! Access tokens that a caller presents, genuine and forged ones.
//!
//! Made here and not with the library of the services: it would refuse to make the forged ones.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

/// The holder of a secret that tokens are signed with.
pub struct Signer(Vec<u8>);

impl Signer {
    pub fn new(secret: &str) -> Self {
        Self(secret.as_bytes().to_owned())
    }

    /// A token signed with HS256.
    pub fn sign(&self, claims: &Value) -> String {
        let signed = signed_part(&json!({"alg": "HS256", "typ": "JWT"}), claims);
        let signature = Hmac::<Sha256>::new_from_slice(&self.0)
            .expect("HMAC accepts keys of every length")
            .chain_update(signed.as_bytes())
            .finalize()
            .into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The claims of a signed-in user that the services look at, good for an hour.
pub fn claims_of(user: Uuid) -> Value {
    claims_until(user, now_s() + 3600)
}

/// The claims of a sign-in that ended ten minutes ago: more than any leeway for clocks.
pub fn expired_claims_of(user: Uuid) -> Value {
    claims_until(user, now_s() - 600)
}

/// A token that says of itself that it needs no signature (RFC 8725, section 2.1).
pub fn unsigned(claims: &Value) -> String {
    format!(
        "{}.",
        signed_part(&json!({"alg": "none", "typ": "JWT"}), claims)
    )
}

/// A genuine token with other claims under the same signature.
pub fn altered(token: &str, claims: &Value) -> String {
    let mut parts: Vec<&str> = token.split('.').collect();
    let claims = encoded(claims);
    parts[1] = &claims;
    parts.join(".")
}

fn claims_until(user: Uuid, expires_at: u64) -> Value {
    json!({
        "sub": user,
        "role": "authenticated",
        "aud": "authenticated",
        "is_anonymous": false,
        "iat": expires_at - 3600,
        "exp": expires_at,
    })
}

fn signed_part(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encoded(header), encoded(claims))
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn now_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
