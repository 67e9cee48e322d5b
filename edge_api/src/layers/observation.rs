//! One request as it is seen from outside: its id, its log line and the body of its refusal.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use crate::error::{ApiError, problem};
use crate::request_id::{RequestId, X_REQUEST_ID};

/// Gives the request its id, and the answer its body when it is a refusal; logs what became of it.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let started_at = Instant::now();
    let request_id = RequestId::of(request.headers());
    let method = request.method().clone();
    // The pattern, not the path: a path may hold anything, and ids would split the statistics.
    let route = request.extensions().get::<MatchedPath>().cloned();

    let mut response = next.run(request).await;
    let error = response.extensions_mut().remove::<ApiError>();
    if let Some(error) = &error {
        problem::write(&mut response, error, &request_id);
    }
    response
        .headers_mut()
        .insert(X_REQUEST_ID, request_id.to_header());

    let outcome = Outcome {
        request_id,
        method,
        route,
        status: response.status().as_u16(),
        duration: started_at.elapsed(),
    };
    outcome.log(error.as_ref());
    response
}

/// What is known of a request when its answer leaves: all that a log line or a metric may hold.
struct Outcome {
    request_id: RequestId,
    method: Method,
    route: Option<MatchedPath>,
    status: u16,
    duration: Duration,
}

impl Outcome {
    fn log(&self, error: Option<&ApiError>) {
        let code = error.map(|error| error.code().as_str());
        let cause = error.and_then(ApiError::cause);
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    request_id = self.request_id.as_str(),
                    method = self.method.as_str(),
                    route = self.route.as_ref().map_or("none", MatchedPath::as_str),
                    status = self.status,
                    code,
                    cause,
                    duration_ms = self.duration.as_secs_f64() * 1e3,
                    "request answered"
                )
            };
        }
        match self.status {
            500 => log!(error),
            501.. => log!(warn),
            _ => log!(info),
        }
    }
}
