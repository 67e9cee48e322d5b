//! Tokens that npm's jose signed, and forgeries of them: `vectors/make_token_vectors.mjs` made both.

use std::path::Path;
use std::{env, fs};

use edge_api::auth::{AuthError, Keys, Verifier};
use edge_api::caller::Role;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Vectors {
    secret: String,
    claims: Value,
    jwks: Value,
    tokens: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    accepted: bool,
    token: String,
}

fn vectors() -> Vectors {
    // Not the compiler's: another checkout may share its target directory.
    let package = env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package");
    let file = Path::new(&package).join("tests/http/vectors/token_vectors.json");
    serde_json::from_str(&fs::read_to_string(file).expect("a file")).expect("vectors")
}

fn verifier(vectors: &Vectors) -> Verifier {
    let secret = vectors.secret.clone().into();
    let verifier = Verifier::with_keys(Keys::of_secrets([&secret]));
    verifier.set_key_set(Keys::of_set(&vectors.jwks.to_string()).expect("a key set"));
    verifier
}

#[tokio::test]
async fn what_jose_signed_is_accepted_and_what_was_forged_is_not() {
    let vectors = vectors();
    let verifier = verifier(&vectors);
    let (good, forged): (Vec<_>, Vec<_>) = vectors.tokens.iter().partition(|token| token.accepted);
    assert_eq!((good.len(), forged.len()), (6, 26));
    for vector in good {
        // Again, from the cache.
        for _ in 0..2 {
            let verified = verifier.verify(&vector.token).await;
            let verified = verified.unwrap_or_else(|error| panic!("{}: {error}", vector.name));
            assert_eq!(verified.role, Role::Authenticated);
            let claims: Value = serde_json::from_str(verified.claims.as_json()).expect("JSON");
            assert_eq!(claims, vectors.claims, "{}", vector.name);
        }
    }
    for vector in forged {
        for _ in 0..2 {
            let refused = verifier.verify(&vector.token).await;
            let error = refused.expect_err(&vector.name);
            let is_judged = matches!(error, AuthError::Invalid(_) | AuthError::UnknownKey);
            assert!(is_judged, "{}: {error}", vector.name);
        }
    }
}

#[tokio::test]
async fn keys_that_are_weak_or_for_something_else_are_left_out() {
    let keys = Keys::of_set(&vectors().jwks.to_string()).expect("a key set");
    assert_eq!(keys.len(), 3, "of ES256, RS256 and HS256");
}

#[tokio::test]
async fn another_key_set_ends_what_the_first_one_verified() {
    let vectors = vectors();
    let verifier = verifier(&vectors);
    let token = &vectors.tokens[0].token;
    assert!(verifier.verify(token).await.is_ok());
    verifier.set_key_set(Keys::default());
    assert_eq!(verifier.verify(token).await, Err(AuthError::UnknownKey));
}

#[tokio::test]
async fn only_the_issuer_that_was_asked_for_counts() {
    let vectors = vectors();
    for (issuer, is_accepted) in [
        (None, true),
        (Some("https://project.test/auth/v1"), true),
        (Some("https://project.test/auth/v1/"), false),
        (Some("https://other.test/auth/v1"), false),
    ] {
        let verifier = verifier(&vectors).with_issuer(issuer.map(str::to_owned));
        let outcome = verifier.verify(&vectors.tokens[0].token).await;
        assert_eq!(outcome.is_ok(), is_accepted, "{issuer:?}");
    }
}

#[test]
fn what_is_no_key_set_is_refused_as_a_whole() {
    let key = vectors().jwks["keys"][0].to_string();
    let many = format!(r#"{{"keys":[{}]}}"#, [key.as_str(); 33].join(","));
    let off_curve = key.replacen("\"y\":\"", "\"y\":\"AAAA", 1);
    for (json, error) in [
        ("", "is no JSON Web Key Set"),
        ("[]", "is no JSON Web Key Set"),
        (r#"{"keys":{}}"#, "is no JSON Web Key Set"),
        (&key, "is no JSON Web Key Set"),
        (&many, "holds more than 32 keys"),
        (r#"{"keys":[]}"#, "holds no key for ES256, RS256 or HS256"),
        (
            r#"{"keys":[{"kty":"new"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}"#,
            "holds no key for ES256, RS256 or HS256",
        ),
        (
            &format!(r#"{{"keys":[{off_curve}]}}"#),
            "holds no key for ES256, RS256 or HS256",
        ),
    ] {
        let refused = Keys::of_set(json).expect_err(json);
        assert_eq!(refused.to_string(), error, "{json}");
    }
    let json = format!(r#"{{"keys":[{{"kty":"new"}},{key}]}}"#);
    assert_eq!(Keys::of_set(&json).expect("one of them").len(), 1);
}
