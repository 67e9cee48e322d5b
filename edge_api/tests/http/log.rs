//! The log lines of requests, and what they hold.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use axum::Router;
use axum::http::HeaderValue;
use edge_api::auth::Verifier;
use edge_api::layers::AccessLog;
use edge_api::logging;
use edge_api::router::router;
use edge_api::state::AppState;
use serde_json::Value;
use tower::ServiceExt;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::database::RecordingDatabase;
use crate::requests::{SECRET, SESSION, request, send};

/// The lines of one thread, which a test has for itself.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn record() -> (Self, DefaultGuard) {
        // Whether anybody wants an event is kept for all threads. Where only some of them have a subscriber, a thread
        // without one could note that nobody does; with one for all, somebody always does.
        static FOR_ALL: Once = Once::new();
        FOR_ALL.call_once(|| {
            tracing::subscriber::set_global_default(tracing_subscriber::registry())
                .expect("no other test sets one");
        });
        let lines = Self::default();
        let levels = "info".parse().expect("levels");
        let guard = tracing::subscriber::set_default(logging::subscriber(levels, lines.clone()));
        (lines, guard)
    }

    fn of_requests(&self) -> Vec<Value> {
        self.saying("request answered")
    }

    fn saying(&self, message: &str) -> Vec<Value> {
        let text = self.0.lock().expect("no panic with the lock").clone();
        let text = String::from_utf8(text).expect("a text");
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        lines.filter(|line| line["message"] == message).collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic with the lock").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn service(slow: Duration, one_in: u32) -> Router {
    service_over(&RecordingDatabase::answering("[]"), slow, one_in)
}

fn service_over(database: &RecordingDatabase, slow: Duration, one_in: u32) -> Router {
    let verifier = Verifier::new(&SECRET.into());
    let state = AppState::new(Arc::new(database.clone()), verifier);
    router(
        state.with_access_log(AccessLog { slow, one_in }),
        Vec::new(),
    )
}

fn path() -> String {
    format!("/v1/streams/{SESSION}/messages")
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn refused_requests_and_a_sample_of_the_others_have_a_line() {
    let (lines, _guard) = Lines::record();
    let service = service(Duration::from_secs(3600), 3);
    for _ in 0..7 {
        send(service.clone(), request("GET", &path(), None)).await;
    }
    for _ in 0..2 {
        send(service.clone(), request("GET", "/v1/streams/x/state", None)).await;
    }
    let lines = lines.of_requests();
    let statuses: Vec<_> = lines.iter().map(|line| line["status"].as_u64()).collect();
    assert_eq!(statuses, [200, 200, 200, 400, 400].map(Some));
    assert_eq!(lines[3]["code"], "invalid_argument");
    assert_eq!(lines[3]["route"], "/v1/streams/{session_id}/state");
}

#[tokio::test]
async fn a_slow_request_has_a_line_where_no_sample_is_taken() {
    let (lines, _guard) = Lines::record();
    send(service(SECOND * 3600, 0), request("GET", &path(), None)).await;
    assert_eq!(lines.of_requests(), Vec::<Value>::new());
    // As slow as nothing at all.
    send(service(Duration::ZERO, 0), request("GET", &path(), None)).await;
    assert_eq!(lines.of_requests().len(), 1);
}

#[tokio::test]
async fn a_client_who_leaves_a_slow_request_leaves_a_line() {
    for (slow, count) in [(Duration::ZERO, 1), (SECOND * 3600, 0)] {
        let (lines, _guard) = Lines::record();
        let database = RecordingDatabase::hanging();
        let mut request = request("GET", &path(), None);
        let id = HeaderValue::from_static("of-the-caller");
        request.headers_mut().insert("x-request-id", id);
        let mut answer = Box::pin(service_over(&database, slow, 1).oneshot(request));
        tokio::select! {
            _ = &mut answer => panic!("it hangs"),
            () = database.is_asked(1) => {}
        }
        drop(answer);
        let lines = lines.saying("client left before the answer");
        assert_eq!(lines.len(), count, "{lines:?}");
        for line in lines {
            assert_eq!(line["request_id"], "of-the-caller");
            assert_eq!(line["route"], "/v1/streams/{session_id}/messages");
            assert_eq!(line["status"], Value::Null);
        }
    }
}

#[tokio::test]
async fn a_line_holds_the_trace_of_the_caller_and_a_span_of_its_own() {
    let (lines, _guard) = Lines::record();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut traced = request("GET", &path(), None);
    traced
        .headers_mut()
        .insert("traceparent", HeaderValue::from_static(trace));
    let mut malformed = request("GET", &path(), None);
    let not_a_trace = HeaderValue::from_static("00-0af7651916cd43dd-b7ad6b7169203331-01");
    malformed.headers_mut().insert("traceparent", not_a_trace);
    for request in [traced, malformed, request("GET", &path(), None)] {
        let answer = send(service(SECOND, 1), request).await;
        assert_eq!(answer.header("traceparent"), "", "it would be a caller's");
    }
    let lines = lines.of_requests();
    assert_eq!(lines[0]["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(lines[0]["parent_id"], "b7ad6b7169203331");
    assert_ne!(lines[0]["span_id"], lines[0]["parent_id"]);
    for line in &lines[1..] {
        assert_eq!(line["trace_id"].as_str().map(str::len), Some(32), "{line}");
        assert_eq!(line["parent_id"], Value::Null, "{line}");
        assert_ne!(line["trace_id"], lines[0]["trace_id"]);
    }
    assert_ne!(lines[1]["trace_id"], lines[2]["trace_id"]);
}

#[tokio::test]
async fn a_line_names_the_request_as_the_answer_does_and_no_value_of_it() {
    let (lines, _guard) = Lines::record();
    let service = service(SECOND, 1);
    let body = r#"{"content":"a very private text","id":"nonsense"}"#;
    let answer = send(service, request("POST", &path(), Some(body))).await;
    let lines = lines.of_requests();
    assert_eq!(lines[0]["request_id"], answer.header("x-request-id"));
    let line = lines[0].to_string();
    for value in ["private", "nonsense", SESSION] {
        assert!(!line.contains(value), "{line}");
    }
}
