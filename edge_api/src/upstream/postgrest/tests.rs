//! Calls through PostgREST: what is sent, and what each answer means, with a server that answers as it is told.

mod figures;
mod hanging;

use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{self, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::any;
use secrecy::SecretString;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::*;
use crate::caller::{AccessToken, Claims};
use crate::contract::{Argument, JsonText};
use crate::upstream::from_sqlstate;

const ANON: &str = "sb_publishable_anon";

/// A server, its answer, and what it was asked.
#[derive(Clone)]
struct Server {
    answer: Arc<(u16, String)>,
    asked: Arc<Mutex<Vec<(Uri, http::HeaderMap, String)>>>,
}

async fn answer(
    State(server): State<Server>,
    uri: Uri,
    headers: http::HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let body = String::from_utf8(body.to_vec()).expect("text");
    server
        .asked
        .lock()
        .expect("no panic")
        .push((uri, headers, body));
    let (status, text) = (*server.answer).clone();
    let status = StatusCode::from_u16(status).expect("a status");
    (status, [("location", "/elsewhere")], text)
}

async fn server(status: u16, text: &str, service_key: Option<&str>) -> (Server, PostgrestUpstream) {
    let server = Server {
        answer: Arc::new((status, text.to_owned())),
        asked: Arc::default(),
    };
    let router = Router::new()
        .fallback(any(answer))
        .with_state(server.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    let service_key = service_key.map(SecretString::from);
    let url = format!("http://{address}/");
    let project = Project::new(&url, &ANON.into(), service_key.as_ref()).expect("a project");
    (
        server,
        PostgrestUpstream::new(project, 1).expect("a client"),
    )
}

fn user(token: &str) -> Caller {
    Caller {
        role: Role::Authenticated,
        user_id: None,
        claims: Claims::new("{}"),
        token: Some(AccessToken::new(token)),
        method: "POST".to_owned(),
        path: "/".to_owned(),
    }
}

fn call(operation: &str, arguments: Vec<Argument>, caller: Caller) -> Arc<Call> {
    let operation = Contract::get().operation(operation).expect("an operation");
    Arc::new(Call {
        operation,
        arguments,
        subject: None,
        caller,
        deadline: Instant::now() + Duration::from_secs(8),
    })
}

async fn outcome(status: u16, text: &str) -> Result<String, UpstreamError> {
    let (_, upstream) = server(status, text, None).await;
    let call = call("get_stream_state", vec![Argument::Null], user("t"));
    upstream.call(call).await.map(|json| json.get().to_owned())
}

#[tokio::test]
async fn a_call_is_a_post_with_the_callers_token_and_all_arguments() {
    let (server, upstream) = server(200, r#"{"a": 1.50}"#, None).await;
    let raw: &RawValue =
        serde_json::from_str(r#"{"big": 123456789012345678901234567890}"#).expect("JSON");
    let arguments = vec![Argument::Null, Argument::Json(JsonText::new(raw))];
    let call = call("post_auction_update", arguments, user("to.ke.n"));
    let answer = upstream.call(call).await.expect("an answer");
    assert_eq!(answer.get(), r#"{"a": 1.50}"#);
    let asked = server.asked.lock().expect("no panic");
    let [(uri, headers, body)] = &asked[..] else {
        panic!("{asked:?}");
    };
    assert_eq!(uri.path(), "/rest/v1/rpc/post_auction_update");
    for (name, value) in [
        ("authorization", "Bearer to.ke.n"),
        ("apikey", ANON),
        ("content-profile", "stream"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(headers[name], value);
    }
    assert_eq!(
        body,
        r#"{"session_id":null,"update":{"big": 123456789012345678901234567890}}"#
    );
}

#[tokio::test]
async fn the_service_itself_comes_with_its_key_or_not_at_all() {
    for (key, bearer) in [
        ("sb_secret_key", None),
        ("le.ga.cy", Some("Bearer le.ga.cy")),
    ] {
        let (server, upstream) = server(204, "", Some(key)).await;
        let answer = upstream
            .call(call("tick", Vec::new(), Caller::service()))
            .await;
        assert_eq!(answer.expect("nothing").get(), "null");
        let asked = server.asked.lock().expect("no panic");
        assert_eq!(asked[0].1["apikey"], key);
        let sent = asked[0].1.get("authorization");
        assert_eq!(sent.map(|value| value.to_str().expect("text")), bearer);
    }
    let (server, upstream) = server(204, "", None).await;
    let answer = upstream
        .call(call("tick", Vec::new(), Caller::service()))
        .await;
    assert!(matches!(answer, Err(UpstreamError::Unexpected { .. })));
    assert!(server.asked.lock().expect("no panic").is_empty());
}

#[tokio::test]
async fn what_no_header_may_hold_is_refused_and_panics_nowhere() {
    let (server, upstream) = server(200, "null", None).await;
    for token in ["a\nb", "a\r\nx-role: service_role", "\0", "a\u{7f}"] {
        let call = call("get_stream_state", vec![Argument::Null], user(token));
        let refused = upstream.call(call).await;
        assert!(matches!(refused, Err(UpstreamError::Unexpected { .. })));
    }
    assert!(server.asked.lock().expect("no panic").is_empty());
    let url = "http://a.test";
    let bad = SecretString::from("a\nb");
    let error = Project::new(url, &bad, None).expect_err("a line end");
    assert_eq!(error, ProjectError::AnonKey);
    let error = Project::new(url, &ANON.into(), Some(&bad)).expect_err("a line end");
    assert_eq!(error, ProjectError::ServiceKey);
    for url in [
        "",
        "a.test",
        "ftp://a.test",
        "http://u:p@a.test",
        "http://a.test/?x=1",
    ] {
        let error = Project::new(url, &ANON.into(), None).expect_err(url);
        assert_eq!(error, ProjectError::Url);
    }
}

#[tokio::test]
async fn errors_of_the_database_are_judged_as_over_sql() {
    for &code in ErrorCode::ALL {
        let Some(state) = code.sqlstate() else {
            continue;
        };
        let details = code.detail_json(Some(1500));
        let body = json!({"code": state, "message": "secret", "details": details, "hint": null});
        let expected = Err(from_sqlstate(state, Some(&details)));
        assert_eq!(
            outcome(code.http_status(), &body.to_string()).await,
            expected
        );
    }
}

#[tokio::test]
async fn errors_of_postgrest_and_of_the_gateway_have_their_meaning() {
    let refused = |code| UpstreamError::Refused {
        code,
        retry_after_ms: None,
    };
    let unavailable = |reason: &str| UpstreamError::Unavailable {
        reason: reason.to_owned(),
    };
    let of = |code: &str| json!({"code": code, "message": "m"}).to_string();
    for (status, text, expected) in [
        (503, of("PGRST001"), unavailable("PGRST001")),
        (503, of("PGRST002"), unavailable("PGRST002")),
        (504, of("PGRST003"), UpstreamError::OVERLOADED),
        (401, of("PGRST301"), refused(ErrorCode::TokenInvalid)),
        (401, of("PGRST303"), refused(ErrorCode::TokenExpired)),
        (404, of("PGRST202"), unexpected("PGRST202")),
        (
            401,
            r#"{"message":"Invalid API key"}"#.to_owned(),
            unexpected("status 401 of the gateway"),
        ),
        (429, "slow down".to_owned(), UpstreamError::OVERLOADED),
        (
            502,
            "<html>".to_owned(),
            unavailable("status 502 of the gateway"),
        ),
        (522, String::new(), unavailable("status 522 of the gateway")),
        (500, String::new(), unexpected("status 500 of the gateway")),
        (
            200,
            "<html>".to_owned(),
            unexpected("an answer that is no JSON"),
        ),
        (302, String::new(), unexpected("status 302 of the gateway")),
        (307, String::new(), unexpected("status 307 of the gateway")),
    ] {
        assert_eq!(
            outcome(status, &text).await,
            Err(expected),
            "{status} {text}"
        );
    }
}

#[tokio::test]
async fn a_set_that_postgrest_cut_off_is_no_answer() {
    for (status, is_whole) in [(200, true), (206, false)] {
        let (server, upstream) = server(status, "[]", None).await;
        let answer = upstream
            .call(call("list_blocked_terms", vec![Argument::Null], user("t")))
            .await;
        assert_eq!(answer.is_ok(), is_whole);
        let asked = server.asked.lock().expect("no panic");
        assert_eq!(asked[0].1["prefer"], "count=exact");
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_kept() {
    let long = format!("\"{}\"", "x".repeat(MAX_ANSWER_BYTES));
    let expected = Err(unexpected("an answer that is too long"));
    assert_eq!(outcome(200, &long).await, expected);
}

#[tokio::test]
async fn nobody_there_is_an_outage_and_a_refusal_of_the_database_an_answer() {
    let project = Project::new("http://127.0.0.1:1", &ANON.into(), None).expect("a project");
    let upstream = PostgrestUpstream::new(project, 1).expect("a client");
    let away = upstream.ping().await.expect_err("nobody listens");
    assert_eq!(
        away,
        UpstreamError::Unavailable {
            reason: "cannot connect to PostgREST".to_owned()
        }
    );
    for (status, text, is_ready) in [
        (200, "null", true),
        (
            401,
            r#"{"code":"42501","message":"permission denied"}"#,
            true,
        ),
        (503, r#"{"code":"PGRST001","message":"m"}"#, false),
        (401, r#"{"message":"Invalid API key"}"#, false),
    ] {
        let (_, upstream) = server(status, text, None).await;
        assert_eq!(upstream.ping().await.is_ok(), is_ready, "{status} {text}");
    }
}
