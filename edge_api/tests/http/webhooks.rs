//! Notices of Agora that are accepted, and the answers that Agora reads.

use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use edge_api::auth::Verifier;
use edge_api::caller::Role;
use edge_api::contract::Argument;
use edge_api::router::router;
use edge_api::routes::webhooks::{BODY_LIMIT_BYTES, DATABASE_DEADLINE};
use edge_api::state::AppState;
use edge_api::upstream::{UpstreamError, from_sqlstate};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::database::RecordingDatabase;
use crate::fixtures::fixture;
use crate::requests::{Answer, SECRET, send, user_token};

/// Made with OpenSSL: `openssl dgst -sha256 -hmac "first secret"`, and so on for the others.
const BODY: &str = r#"{"noticeId":"n-1","productId":1,"eventType":103,"notifyMs":1611566412672,"payload":{"channelName":"room-1","uid":12,"ts":1560396834,"clientSeq":1625051030746,"platform":1}}"#;
const FIRST: &str = "39a7240281dd47b301c3a2578ee237449e1966705c5aa9456cda5b8fc52407f4";
const SECOND: &str = "4d4f7c401673fa7f5535c511f9df0d0886861249839969a752f2e11bb9da0de9";
const SHA1: &str = "76c8ee83fbe7c5839115197cd2196f9096ae59cf";

/// What the Edge Function of Supabase is tested with too.
#[derive(Deserialize)]
struct Vectors {
    secrets: Vec<String>,
    refused: Vec<Refused>,
    no_notices: Vec<NoNotice>,
}

#[derive(Deserialize)]
struct Refused {
    about: String,
    body: String,
    headers: Vec<(String, String)>,
    code: String,
}

/// A signed body that is no notice.
#[derive(Deserialize)]
struct NoNotice {
    body: String,
    signature: String,
    detail: String,
}

fn vectors() -> Vectors {
    // Not the compiler's: another checkout may share its target directory.
    let package = env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package");
    let file = Path::new(&package).join("tests/http/vectors/notices.json");
    serde_json::from_str(&fs::read_to_string(file).expect("a file")).expect("vectors")
}

/// What every notice of these tests is answered with, unless it says otherwise.
fn applied() -> String {
    fixture("apply_webhook")
}

fn service(database: &RecordingDatabase, secrets: &[&str]) -> Router {
    let state = AppState::new(Arc::new(database.clone()), Verifier::new(&SECRET.into()));
    let secrets = secrets.iter().map(|secret| (*secret).into()).collect();
    router(state.with_webhook_secrets(secrets), Vec::new())
}

/// As Agora sends it: no access token.
fn notification(body: impl Into<Body>, headers: &[(&str, &str)]) -> Request<Body> {
    let request = Request::post("/webhooks/agora").header("content-type", "application/json");
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.body(body.into()).expect("a request")
}

async fn notify(database: &RecordingDatabase, body: &str, headers: &[(&str, &str)]) -> Answer {
    let service = service(database, &["first secret", "second secret"]);
    send(service, notification(body.to_owned(), headers)).await
}

const V2: &str = "agora-signature-v2";
const V1: &str = "agora-signature";

#[tokio::test]
async fn a_signed_notice_is_handed_over_as_the_service_and_answered_in_json() {
    for signature in [FIRST, SECOND] {
        let database = RecordingDatabase::answering(&applied());
        let answer = notify(&database, BODY, &[(V2, signature), (V1, SHA1)]).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.body, applied().trim());
        assert_eq!(answer.header("cache-control"), "no-store");

        let (caller, call) = database.only_call();
        assert_eq!(caller.role, Role::ServiceRole);
        let understood = json!({
            "noticeId": "n-1", "productId": 1, "eventType": 103, "notifyMs": 1_611_566_412_672_i64,
            "payload": {
                "channelName": "room-1", "uid": 12, "ts": 1_560_396_834,
                "clientSeq": 1_625_051_030_746_i64, "platform": 1, "reason": null,
                "duration": null, "clientType": null,
            },
        });
        assert_eq!(call.operation.name, "apply_webhook");
        let Some(Argument::Json(notice)) = call.argument("notice") else {
            panic!("{call:?}");
        };
        let notice: Value = serde_json::from_str(notice.as_str()).expect("JSON");
        assert_eq!(notice, understood);
    }
}

#[tokio::test]
async fn every_result_of_the_database_is_a_success_for_agora() {
    for result in [
        r#"{"status":"duplicate","effect":null}"#,
        r#"{"status":"test","effect":null}"#,
        r#"{"status":"ignored","effect":"unknown_event"}"#,
    ] {
        let database = RecordingDatabase::answering(result);
        let answer = notify(&database, BODY, &[(V2, FIRST)]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str()),
            (200, result)
        );
    }
}

#[tokio::test]
async fn a_notice_without_a_valid_signature_is_refused_and_read_by_nobody() {
    let vectors = vectors();
    assert_eq!(vectors.secrets, ["first secret", "second secret"]);
    for refused in &vectors.refused {
        let database = RecordingDatabase::answering(&applied());
        let headers: Vec<(&str, &str)> = refused
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let answer = notify(&database, &refused.body, &headers).await;
        let about = &refused.about;
        assert_eq!(answer.refusal(), (401, refused.code.clone()), "{about}");
        assert_eq!(answer.header("www-authenticate"), "Agora-Signature-V2");
        assert!(database.asked().is_empty());
        assert!(!answer.body.contains("room-1"), "{}", answer.body);
    }
    let database = RecordingDatabase::answering(&applied());
    let answer = notify(&database, BODY, &[(V1, SHA1)]).await;
    let hint = answer.json()["detail"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(hint.contains("Agora-Signature-V2"), "{hint}");
}

#[tokio::test]
async fn an_access_token_opens_nothing_here() {
    let database = RecordingDatabase::answering(&applied());
    let bearer = format!("Bearer {}", user_token());
    let answer = notify(&database, BODY, &[("authorization", &bearer)]).await;
    assert_eq!(answer.refusal().0, 401);
    assert!(database.asked().is_empty());
}

#[tokio::test]
async fn without_a_secret_every_notice_is_refused() {
    for (secrets, headers) in [(&[][..], vec![(V2, FIRST)]), (&[], vec![])] {
        let database = RecordingDatabase::answering(&applied());
        let service = service(&database, secrets);
        let answer = send(service, notification(BODY, &headers)).await;
        let expected = (503, "webhook_not_configured".to_owned());
        assert_eq!(answer.refusal(), expected);
        assert!(database.asked().is_empty());
    }
}

#[tokio::test]
async fn a_signed_body_that_is_no_notice_is_refused() {
    for no_notice in vectors().no_notices {
        let database = RecordingDatabase::answering(&applied());
        let answer = notify(
            &database,
            &no_notice.body,
            &[(V2, no_notice.signature.as_str())],
        )
        .await;
        assert_eq!(answer.refusal(), (400, "invalid_argument".to_owned()));
        assert_eq!(answer.json()["detail"], no_notice.detail);
        assert!(database.asked().is_empty());
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let database = RecordingDatabase::answering(&applied());
    for (length, refusal) in [
        (BODY_LIMIT_BYTES, (401, "webhook_signature_invalid")),
        (BODY_LIMIT_BYTES + 1, (413, "payload_too_large")),
    ] {
        let answer = notify(&database, &" ".repeat(length), &[(V2, FIRST)]).await;
        assert_eq!(answer.refusal(), (refusal.0, refusal.1.to_owned()));
    }
    assert!(database.asked().is_empty());
}

#[tokio::test]
async fn a_database_that_is_away_or_busy_makes_agora_try_again() {
    let away = UpstreamError::Unavailable {
        reason: "connection refused".to_owned(),
    };
    for (error, refusal) in [
        (away, (503, "upstream_unavailable")),
        (from_sqlstate("53300", None), (503, "too_many_connections")),
        (from_sqlstate("40P01", None), (503, "deadlock")),
        (from_sqlstate("XX000", None), (500, "internal")),
    ] {
        let database = RecordingDatabase::failing(error);
        let answer = notify(&database, BODY, &[(V2, FIRST)]).await;
        assert_eq!(answer.refusal(), (refusal.0, refusal.1.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_database_that_does_not_answer_is_given_up_long_before_agora_gives_up() {
    let database = RecordingDatabase::hanging();
    let started_at = Instant::now();
    let answer = notify(&database, BODY, &[(V2, FIRST)]).await;
    assert_eq!(answer.refusal(), (503, "upstream_unavailable".to_owned()));
    assert_eq!(started_at.elapsed(), DATABASE_DEADLINE);
}
