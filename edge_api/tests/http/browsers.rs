//! Browsers of other origins: who is let in, and with which methods.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, header};
use edge_api::auth::Verifier;
use edge_api::router::router;
use edge_api::routes::ROUTES;
use edge_api::state::AppState;

use crate::database::RecordingDatabase;
use crate::requests::{SECRET, send, service};

const APP: &str = "https://app.test";

/// Of `@pg-stream/client`, over the edge.
const SENT_BY_THE_CLIENT: [&str; 4] = [
    "authorization",
    "content-type",
    "if-none-match",
    "x-client-info",
];

/// What other apps may send: the edge reads it, or it belongs to that.
const SENT_BY_OTHERS: [&str; 4] = [
    "traceparent",
    "tracestate",
    "x-request-id",
    "x-request-timeout-ms",
];

const ALLOWED_ORIGIN: &str = "access-control-allow-origin";

fn open_service() -> Router {
    let database = RecordingDatabase::answering("null");
    let state = AppState::new(Arc::new(database), Verifier::new(&SECRET.into()));
    router(state, vec![HeaderValue::from_static(APP)])
}

fn preflight(origin: &str, method: &str, path: &str) -> Request<Body> {
    Request::options(path)
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, method)
        .header(
            header::ACCESS_CONTROL_REQUEST_HEADERS,
            "authorization,content-type",
        )
        .body(Body::empty())
        .expect("a request")
}

#[tokio::test]
async fn browsers_are_let_in_only_from_the_configured_origins() {
    let database = RecordingDatabase::answering("null");
    let request = preflight(APP, "POST", "/v1/streams");
    let closed = send(service(&database), request).await;
    assert_eq!(
        (closed.status.as_u16(), closed.header(ALLOWED_ORIGIN)),
        (405, "")
    );

    for (origin, allowed) in [(APP, APP), ("https://evil.test", "")] {
        let answer = send(open_service(), preflight(origin, "POST", "/v1/streams")).await;
        assert_eq!(answer.header(ALLOWED_ORIGIN), allowed);
    }
}

#[tokio::test]
async fn a_browser_may_call_every_route_with_its_method() {
    for route in ROUTES {
        let method = route.verb.method();
        let path = route.path.replace(['{', '}'], "");
        let answer = send(open_service(), preflight(APP, method.as_str(), &path)).await;
        assert_eq!(answer.status, 200, "{route:?}");
        let methods = answer.header("access-control-allow-methods");
        let is_allowed = methods.split(',').any(|allowed| allowed == method.as_str());
        assert!(is_allowed, "{route:?} is not among {methods}");
        let headers = answer.header("access-control-allow-headers");
        for sent in SENT_BY_THE_CLIENT.iter().chain(&SENT_BY_OTHERS) {
            let is_allowed = headers.split(',').any(|allowed| allowed == *sent);
            assert!(is_allowed, "{sent} is not among {headers}");
        }
    }
}
