//! Refusals have one form, whoever refuses.

use axum::body::Body;
use axum::http::{HeaderValue, Request};
use edge_api::upstream::{UpstreamError, from_sqlstate};
use serde_json::json;
use stream_core::error::ErrorCode;

use crate::database::RecordingDatabase;
use crate::requests::{Answer, SESSION, request, send, service};

async fn answer_of(database: &RecordingDatabase) -> Answer {
    let request = request("GET", &format!("/v1/streams/{SESSION}/state"), None);
    send(service(database), request).await
}

async fn failure(error: UpstreamError) -> Answer {
    answer_of(&RecordingDatabase::failing(error)).await
}

fn refused(code: ErrorCode, retry_after_ms: Option<u64>) -> UpstreamError {
    UpstreamError::Refused {
        code,
        retry_after_ms,
    }
}

#[tokio::test]
async fn a_problem_has_the_members_of_rfc_9457_and_of_the_catalogue() {
    let database = RecordingDatabase::failing(refused(ErrorCode::RateLimited, Some(1500)));
    let mut request = request("GET", &format!("/v1/streams/{SESSION}/state"), None);
    let id = HeaderValue::from_static("checkout-7");
    request.headers_mut().insert("x-request-id", id);
    let answer = send(service(&database), request).await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("retry-after"), "2");
    assert_eq!(
        answer.header("content-length"),
        answer.body.len().to_string()
    );
    let expected = json!({
        "type": "/v1/errors/rate_limited",
        "title": ErrorCode::RateLimited.message(),
        "status": 429,
        "detail": ErrorCode::RateLimited.hint(),
        "code": "rate_limited",
        "category": "system_error",
        "recoverable": true,
        "retry_after_ms": 1500,
        "recovery": ErrorCode::RateLimited.recovery(),
        "request_id": "checkout-7",
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn every_code_becomes_its_own_problem_with_its_recovery_and_its_wait() {
    for &code in ErrorCode::ALL {
        let answer = failure(refused(code, None)).await;
        let expected = (code.http_status(), code.as_str().to_owned());
        assert_eq!(answer.refusal(), expected);
        let recovery = serde_json::to_value(code.recovery()).expect("a flat struct");
        assert_eq!(answer.json()["recovery"], recovery, "{code:?}");
        let is_due = matches!(code.http_status(), 429 | 503);
        let wait_ms = answer.json()["retry_after_ms"].as_u64();
        assert_eq!(wait_ms.is_some(), is_due, "{code:?}");
        let seconds = wait_ms.map(|wait_ms| wait_ms.div_ceil(1000).to_string());
        assert_eq!(answer.header("retry-after"), seconds.unwrap_or_default());
    }
}

#[tokio::test]
async fn states_of_postgres_map_to_status_and_code() {
    let ended = ErrorCode::StreamEnded.detail_json(None);
    for (state, detail, status, code) in [
        ("PT410", Some(ended.as_str()), 410, "stream_ended"),
        ("42501", None, 403, "permission_denied"),
        ("22P02", None, 400, "invalid_syntax"),
        ("22021", None, 400, "invalid_text"),
        ("57014", None, 504, "statement_timeout"),
        ("53300", None, 503, "too_many_connections"),
        ("08006", None, 503, "upstream_unavailable"),
        ("57P01", None, 503, "server_stopping"),
        ("57P02", None, 503, "server_crashed"),
        ("57P03", None, 503, "server_starting"),
        ("53100", Some("a path"), 503, "disk_full"),
        ("53200", None, 503, "out_of_memory"),
        ("53400", None, 503, "resource_limit"),
        ("58030", None, 503, "storage_failed"),
        ("22P05", None, 400, "invalid_escape"),
        ("22003", None, 400, "out_of_range"),
        ("P0001", None, 500, "internal"),
        ("XX000", Some(ended.as_str()), 500, "internal"),
        (
            "23505",
            Some("Key (email)=(a@b.test) already exists."),
            500,
            "internal",
        ),
    ] {
        let answer = failure(from_sqlstate(state, detail)).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{state}");
        assert!(!answer.body.contains("a@b.test"), "{}", answer.body);
        assert!(!answer.body.contains("XX000"), "{}", answer.body);
    }
}

#[tokio::test]
async fn the_reason_of_an_outage_stays_inside() {
    for error in [
        UpstreamError::Unavailable {
            reason: "no route to 10.1.2.3".to_owned(),
        },
        UpstreamError::Unexpected {
            reason: "no route to 10.1.2.3".to_owned(),
        },
    ] {
        let answer = failure(error).await;
        assert!(answer.status.is_server_error());
        assert!(!answer.body.contains("10.1.2.3"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_database_that_is_away_makes_the_service_alive_but_not_ready() {
    let away = UpstreamError::Unavailable {
        reason: "connection refused".to_owned(),
    };
    let service = service(&RecordingDatabase::failing(away));
    let get = |path| Request::get(path).body(Body::empty()).expect("a request");
    let ready = send(service.clone(), get("/readyz")).await;
    assert_eq!(ready.refusal(), (503, "upstream_unavailable".to_owned()));
    assert_eq!(send(service, get("/healthz")).await.status, 200);
}

#[tokio::test]
async fn a_panic_becomes_an_internal_error_and_says_nothing() {
    let answer = answer_of(&RecordingDatabase::panicking()).await;
    assert_eq!(answer.refusal(), (500, "internal".to_owned()));
    assert!(!answer.body.contains("secret value"), "{}", answer.body);
    assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_is_given_up() {
    let started = tokio::time::Instant::now();
    let answer = answer_of(&RecordingDatabase::hanging()).await;
    assert_eq!(answer.refusal(), (504, "statement_timeout".to_owned()));
    assert_eq!(started.elapsed().as_secs(), 9);
}

#[tokio::test]
async fn every_answer_carries_a_request_id() {
    let ask = async |id: Option<&'static str>| {
        let database = RecordingDatabase::answering("null");
        let mut request = Request::get("/healthz");
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        let request = request.body(Body::empty()).expect("a request");
        let answer = send(service(&database), request).await;
        answer.header("x-request-id").to_owned()
    };
    assert_eq!(ask(Some("checkout_7.retry-2")).await, "checkout_7.retry-2");
    for replaced in [None, Some("two words"), Some("<script>"), Some("")] {
        let (one, two) = (ask(replaced).await, ask(replaced).await);
        assert_eq!(one.len(), 36, "{one}");
        assert_ne!(one, two);
    }
}

#[tokio::test]
async fn the_catalogue_is_open_and_problems_point_into_it() {
    let database = RecordingDatabase::answering("null");
    let get = |path: &str| Request::get(path).body(Body::empty()).expect("a request");
    let list = send(service(&database), get("/v1/errors")).await.json();
    assert_eq!(list.as_array().map(Vec::len), Some(ErrorCode::ALL.len()));

    let problem = failure(refused(ErrorCode::StaleHost, None)).await.json();
    let r#type = problem["type"].as_str().expect("a reference");
    let entry = send(service(&database), get(r#type)).await.json();
    assert_eq!(entry["code"], "stale_host");
    assert_eq!(entry["status"], 409);
    assert!(list.as_array().is_some_and(|list| list.contains(&entry)));

    for unknown in ["/v1/errors/unheard_of", "/v1/errors/%ff"] {
        let answer = send(service(&database), get(unknown)).await;
        assert_eq!(answer.refusal(), (404, "route_not_found".to_owned()));
    }
}
