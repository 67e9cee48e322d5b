//! Access tokens: which are accepted, and the role and claims that reach the database.

use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use edge_api::auth::Verifier;
use edge_api::caller::Role;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::database::RecordingDatabase;
use crate::requests::{
    Answer, SECRET, SESSION, USER, now_s, send, service, service_token, sign, user_claims,
    user_token,
};

async fn answer_to(authorization: Option<&str>) -> (Answer, RecordingDatabase) {
    let database = RecordingDatabase::answering(r#""active""#);
    let mut request = Request::get(format!("/v1/streams/{SESSION}/state"));
    if let Some(value) = authorization {
        request = request.header(header::AUTHORIZATION, value);
    }
    let request = request.body(Body::empty()).expect("a request");
    (send(service(&database), request).await, database)
}

async fn answer_to_token(token: &str) -> Answer {
    answer_to(Some(&format!("Bearer {token}"))).await.0
}

/// The user's claims with one of them changed, or left out when `value` is null.
fn token_with(name: &str, value: Value) -> String {
    let mut claims = user_claims();
    let map = claims.as_object_mut().expect("an object");
    map.remove(name);
    if !value.is_null() {
        map.insert(name.to_owned(), value);
    }
    sign(&claims, SECRET)
}

async fn assert_refused(token: &str, code: &str) {
    let answer = answer_to_token(token).await;
    assert_eq!(answer.refusal(), (401, code.to_owned()), "{}", answer.body);
    assert!(answer.header("www-authenticate").starts_with("Bearer"));
}

#[tokio::test]
async fn a_user_reaches_the_database_as_authenticated_with_the_claims_as_signed() {
    let (answer, database) = answer_to(Some(&format!("Bearer {}", user_token()))).await;
    assert_eq!(answer.status, 200);
    let (caller, _) = database.only_call();
    assert_eq!(caller.role, Role::Authenticated);
    let claims: Value = serde_json::from_str(caller.claims.as_json()).expect("JSON");
    assert_eq!(claims["sub"], USER);
    assert_eq!(claims["role"], "authenticated");
    assert_eq!(caller.method, "GET");
    assert_eq!(caller.path, format!("/v1/streams/{SESSION}/state"));
}

#[tokio::test]
async fn the_service_needs_neither_subject_nor_audience() {
    let token = service_token();
    let (answer, database) = answer_to(Some(&format!("bearer {token}"))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(database.only_call().0.role, Role::ServiceRole);
}

#[tokio::test]
async fn a_request_without_a_bearer_token_is_unauthenticated() {
    for authorization in [
        None,
        Some("Basic YTpi"),
        Some("Bearer"),
        Some(""),
        Some("Token x"),
    ] {
        let (answer, database) = answer_to(authorization).await;
        assert_eq!(
            answer.refusal(),
            (401, "unauthenticated".to_owned()),
            "{authorization:?}"
        );
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert!(database.asked().is_empty());
    }
}

#[tokio::test]
async fn two_authorization_headers_are_refused() {
    let database = RecordingDatabase::answering("null");
    let value = format!("Bearer {}", user_token());
    let request = Request::get(format!("/v1/streams/{SESSION}"))
        .header(header::AUTHORIZATION, &value)
        .header(header::AUTHORIZATION, &value)
        .body(Body::empty())
        .expect("a request");
    let answer = send(service(&database), request).await;
    assert_eq!(answer.refusal(), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn the_anonymous_role_is_unauthenticated() {
    assert_refused(&token_with("role", json!("anon")), "unauthenticated").await;
}

#[tokio::test]
async fn an_anonymous_sign_in_is_a_user() {
    let answer = answer_to_token(&token_with("is_anonymous", json!(true))).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn any_other_role_is_refused() {
    for role in [
        Value::Null,
        json!("postgres"),
        json!("supabase_admin"),
        json!(7),
    ] {
        assert_refused(&token_with("role", role), "token_invalid").await;
    }
}

#[tokio::test]
async fn expiry_is_checked_with_thirty_seconds_of_leeway() {
    let expired = token_with("exp", json!(now_s() - 40));
    assert_refused(&expired, "token_expired").await;
    let within = token_with("exp", json!(now_s() - 20));
    assert_eq!(answer_to_token(&within).await.status, 200);
}

#[tokio::test]
async fn a_token_without_expiry_is_refused_for_users_and_the_service() {
    assert_refused(&token_with("exp", Value::Null), "token_invalid").await;
    assert_refused(
        &sign(&json!({"role": "service_role"}), SECRET),
        "token_invalid",
    )
    .await;
}

#[tokio::test]
async fn a_token_is_not_used_before_its_time() {
    assert_refused(&token_with("nbf", json!(now_s() + 90)), "token_invalid").await;
    let within = token_with("nbf", json!(now_s() + 10));
    assert_eq!(answer_to_token(&within).await.status, 200);
}

#[tokio::test]
async fn the_audience_of_a_user_is_authenticated() {
    for audience in [Value::Null, json!("anon"), json!(["other"]), json!({})] {
        assert_refused(&token_with("aud", audience), "token_invalid").await;
    }
    let listed = token_with("aud", json!(["other", "authenticated"]));
    assert_eq!(answer_to_token(&listed).await.status, 200);
}

#[tokio::test]
async fn the_subject_of_a_user_is_a_uuid() {
    for subject in [Value::Null, json!(""), json!("seller"), json!(1)] {
        assert_refused(&token_with("sub", subject), "token_invalid").await;
    }
}

#[tokio::test]
async fn a_forged_signature_is_refused() {
    let forged = sign(
        &user_claims(),
        "another secret that is also 32 bytes or more",
    );
    assert_refused(&forged, "token_invalid").await;
    let expired_too = sign(
        &json!({"sub": USER, "role": "authenticated", "aud": "authenticated", "exp": 1}),
        "another secret that is also 32 bytes or more",
    );
    assert_refused(&expired_too, "token_invalid").await;
}

#[tokio::test]
async fn the_token_does_not_choose_its_algorithm() {
    let signed = user_token();
    let (_, payload_and_signature) = signed.split_once('.').expect("three parts");
    let (payload, signature) = payload_and_signature.split_once('.').expect("three parts");
    // {"alg":"none","typ":"JWT"} and {"alg":"RS256","typ":"JWT"}.
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let rs256 = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9";
    for token in [
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        format!("{rs256}.{payload}.{signature}"),
    ] {
        assert_refused(&token, "token_invalid").await;
    }
    // Signed with the right secret, but by an algorithm that is not the pinned one.
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let hs512 = encode(&Header::new(Algorithm::HS512), &user_claims(), &key).expect("claims");
    assert_refused(&hs512, "token_invalid").await;
}

#[tokio::test]
async fn garbage_is_not_a_token() {
    for garbage in ["x", "a.b", "a.b.c", "..", "sb_secret_abc", "a.b.c.d"] {
        assert_refused(garbage, "token_invalid").await;
    }
}

#[tokio::test]
async fn an_api_key_is_no_bearer_token_and_the_refusal_says_where_it_belongs() {
    for key in ["sb_publishable_abc", "sb_secret_abc_def"] {
        let answer = answer_to_token(key).await;
        assert_eq!(answer.refusal(), (401, "token_invalid".to_owned()));
        let detail = answer.json()["detail"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(
            detail.contains("apikey") && !detail.contains("abc"),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn claims_reach_the_database_as_they_were_signed() {
    // A number that no double holds, and members in an order of their own.
    let mut claims = user_claims();
    claims["zoned"] = json!({"b": 1, "a": [1.50, null, "\u{e9}"]});
    let claims = claims
        .to_string()
        .replace("1.5,", "1.50,123456789012345678901234567890,");
    let message = format!("{}.{}", base64url(r#"{"alg":"HS256"}"#), base64url(&claims));
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256);
    let token = format!("{message}.{}", signature.expect("a signature"));
    let (_, database) = answer_to(Some(&format!("Bearer {token}"))).await;
    assert_eq!(database.only_call().0.claims.as_json(), claims);
}

fn base64url(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

#[tokio::test]
async fn the_secret_and_the_claims_are_never_printed() {
    let verifier = Verifier::new(&SECRET.into());
    assert!(!format!("{verifier:?}").contains("secret"));
    let token = user_token();
    let verified = verifier.verify(&token).await.expect("a valid token");
    assert!(!format!("{:?}", verified.claims).contains(USER));
    let (_, database) = answer_to(Some(&format!("Bearer {token}"))).await;
    let caller = format!("{:?}", database.only_call().0);
    assert!(!caller.contains(&token), "{caller}");
}
