//! Tests of signing and checking tokens.

use serde_json::json;

use super::*;

const NOW: u64 = 1_700_000_000;

fn key(secret: &str) -> TokenKey {
    TokenKey::new(&secret.to_owned().into())
}

fn signed(claims: Value) -> String {
    key("a secret of more than 32 characters")
        .sign(&claims)
        .unwrap()
}

fn verify(token: &str, leeway_s: u64) -> Result<Claims, TokenError> {
    key("a secret of more than 32 characters").verify(token, NOW, leeway_s)
}

#[test]
fn a_signed_token_is_accepted_with_its_claims() {
    let claims = verify(&signed(json!({"role": "anon", "exp": NOW + 1})), 0).unwrap();
    assert_eq!(claims.role(), Ok(Some(ApiRole::Anon)));
    assert_eq!(claims.expires_at_s(), Some(NOW + 1));
}

#[test]
fn a_token_of_algorithm_none_is_refused() {
    // {"alg":"none","typ":"JWT"} . {"role":"service_role"} .
    let token = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.";
    assert!(verify(token, 0).is_err());
}

#[test]
fn a_token_signed_with_the_secret_under_another_algorithm_is_refused() {
    let token = jsonwebtoken::encode(
        &Header::new(Algorithm::HS512),
        &json!({"role": "anon"}),
        &EncodingKey::from_secret(b"a secret of more than 32 characters"),
    )
    .unwrap();
    assert_eq!(verify(&token, 0), Err(TokenError::Algorithm));
}

#[test]
fn a_token_of_another_secret_is_refused() {
    let token = key("another secret of the same length!!")
        .sign(&json!({"role": "service_role"}))
        .unwrap();
    assert_eq!(verify(&token, 0), Err(TokenError::Signature));
}

#[test]
fn an_altered_token_is_refused() {
    let token = signed(json!({"role": "anon"}));
    let mut parts: Vec<&str> = token.split('.').collect();
    parts[1] = "eyJyb2xlIjoic2VydmljZV9yb2xlIn0";
    assert_eq!(verify(&parts.join("."), 0), Err(TokenError::Signature));
}

#[test]
fn an_expired_token_is_refused_after_the_leeway() {
    let token = signed(json!({"exp": NOW - 29}));
    assert!(verify(&token, REST_LEEWAY_S).is_ok());
    assert_eq!(
        verify(&token, 0),
        Err(TokenError::Expired { seconds_ago: 29 })
    );
    let token = signed(json!({"exp": NOW - 30}));
    assert_eq!(
        verify(&token, REST_LEEWAY_S),
        Err(TokenError::Expired { seconds_ago: 30 })
    );
}

#[test]
fn a_token_from_the_future_is_refused() {
    let token = signed(json!({"nbf": NOW + 31}));
    assert_eq!(verify(&token, REST_LEEWAY_S), Err(TokenError::NotYetValid));
}

#[test]
fn an_expiry_that_is_no_time_is_refused() {
    for exp in [json!("soon"), json!(-1), json!(null), json!({})] {
        assert_eq!(
            verify(&signed(json!({"exp": exp})), 0),
            Err(TokenError::NoTime("exp"))
        );
    }
}

#[test]
fn a_role_outside_the_api_roles_is_refused() {
    for role in [
        "postgres",
        "authenticator",
        "realtime_gateway",
        "none",
        "",
        "Anon",
    ] {
        let claims = verify(&signed(json!({"role": role})), 0).unwrap();
        assert_eq!(claims.role(), Err(TokenError::Malformed), "{role}");
    }
    let claims = verify(&signed(json!({"sub": "x"})), 0).unwrap();
    assert_eq!(claims.role(), Ok(None));
}

#[test]
fn garbage_is_refused() {
    for token in ["", ".", "..", "a.b.c", "sb_publishable_x"] {
        assert_eq!(verify(token, 0), Err(TokenError::Malformed), "{token}");
    }
}
