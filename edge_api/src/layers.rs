//! The layers around every handler.
//!
//! From the outside in: request id, log line and problem body ([`observation`]); CORS; what is refused
//! unseen ([`limits`]); the memory of answers ([`answers`]); a panic becomes a problem; a deadline; the
//! limit of the body.

mod answers;
mod deadline;
mod limits;
mod observation;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;

pub use self::observation::AccessLog;
use self::observation::Observation;
use crate::answer::X_POLL_INTERVAL_MS;
use crate::answers::Answers;
use crate::body::{BODY_LIMIT_BYTES, BodyLimit};
use crate::deadline::X_REQUEST_TIMEOUT_MS;
use crate::error::ApiError;
use crate::limits::Limits;
use crate::request_id::X_REQUEST_ID;
use crate::trace::{TRACEPARENT, TRACESTATE};

/// `methods` are those of all routes, for browsers of other origins.
pub(crate) fn wrap(
    routes: Router,
    methods: Vec<Method>,
    allowed_origins: Vec<HeaderValue>,
    access_log: AccessLog,
    limits: Arc<Limits>,
    answers: Answers,
) -> Router {
    let routes = routes
        .layer(Extension(BodyLimit(BODY_LIMIT_BYTES)))
        .layer(from_fn(deadline::deadline))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(answers, answers::hold))
        .layer(from_fn_with_state(limits, limits::limit));
    let routes = if allowed_origins.is_empty() {
        routes
    } else {
        routes.layer(cors(methods, allowed_origins))
    };
    let observation = Observation::new(access_log);
    routes.layer(from_fn_with_state(observation, observation::observe))
}

/// How the client package and supabase-js name themselves and their versions.
const X_CLIENT_INFO: HeaderName = HeaderName::from_static("x-client-info");

fn cors(methods: Vec<Method>, allowed_origins: Vec<HeaderValue>) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(allowed_origins)
        .allow_methods(methods)
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            TRACEPARENT,
            TRACESTATE,
            X_CLIENT_INFO,
            X_REQUEST_ID,
            X_REQUEST_TIMEOUT_MS,
        ])
        .expose_headers([
            header::ETAG,
            header::RETRY_AFTER,
            X_POLL_INTERVAL_MS,
            X_REQUEST_ID,
        ])
        .max_age(Duration::from_secs(600))
}

/// The payload of the panic is dropped: it may hold values of the request. The panic hook has
/// logged where it happened.
fn panicked(_payload: Box<dyn Any + Send>) -> Response {
    ApiError::internal("a handler panicked").into_response()
}
