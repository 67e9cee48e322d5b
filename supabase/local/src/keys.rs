//! The two API keys of a secret: tokens of role anon and service_role that live ten years.

use secrecy::SecretString;
use serde::Serialize;

use crate::jwt::{self, ApiRole, SignError, TokenKey};

const TEN_YEARS_S: u64 = 10 * 365 * 24 * 60 * 60;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiKeys {
    anon_key: String,
    service_role_key: String,
}

#[derive(Serialize)]
struct ApiKeyClaims {
    iss: &'static str,
    role: &'static str,
    iat: u64,
    exp: u64,
}

/// Prints `{"anonKey", "serviceRoleKey"}` to standard output.
pub fn print(secret: &SecretString) -> Result<(), SignError> {
    let key = TokenKey::new(secret);
    let now_s = jwt::now_s();
    let keys = ApiKeys {
        anon_key: api_key(&key, ApiRole::Anon, now_s)?,
        service_role_key: api_key(&key, ApiRole::ServiceRole, now_s)?,
    };
    println!("{}", serde_json::json!(keys));
    Ok(())
}

/// The API key of `role` as of `now_s`.
pub fn api_key(key: &TokenKey, role: ApiRole, now_s: u64) -> Result<String, SignError> {
    key.sign(&ApiKeyClaims {
        iss: "supabase",
        role: role.as_str(),
        iat: now_s,
        exp: now_s + TEN_YEARS_S,
    })
}
