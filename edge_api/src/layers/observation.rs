//! One request as it is seen from outside: its id, its metrics, its log line and the body of its refusal.

mod access_log;
mod series;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use metrics::{Gauge, counter, gauge};

pub use self::access_log::AccessLog;
use self::access_log::{Line, Sampler};
use self::series::Routes;
use crate::error::{ApiError, problem};
use crate::metrics::{REFUSALS, REQUESTS_IN_FLIGHT};
use crate::request_id::{RequestId, X_REQUEST_ID};
use crate::trace::TraceParent;

/// What is kept of all requests.
pub(super) struct Observation {
    routes: Routes,
    in_flight: Gauge,
    sampler: Sampler,
}

impl Observation {
    pub(super) fn new(log: AccessLog) -> Arc<Self> {
        Arc::new(Self {
            routes: Routes::default(),
            in_flight: gauge!(REQUESTS_IN_FLIGHT),
            sampler: Sampler::new(log),
        })
    }
}

/// Gives the request its id, and the answer its body when it is a refusal; counts it, and logs what
/// became of it when it was refused, was slow, or is one of the sample. A client who leaves a slow one has a line too.
pub(super) async fn observe(
    State(observation): State<Arc<Observation>>,
    request: Request,
    next: Next,
) -> Response {
    let mut open = Open::begin(observation, &request);
    let mut response = next.run(request).await;
    let error = response.extensions_mut().remove::<ApiError>();
    if let Some(error) = &error {
        problem::write(&mut response, error, &open.request_id);
        counter!(REFUSALS, "code" => error.code().as_str()).increment(1);
    }
    response
        .headers_mut()
        .insert(X_REQUEST_ID, open.request_id.to_header());

    let status = response.status().as_u16();
    open.status = Some(status);
    let duration = open.started_at.elapsed();
    if open.observation.sampler.wants(error.is_some(), duration) {
        open.line(error.as_ref(), duration).write();
    }
    response
}

/// A request from its head to its answer's. Dropped without a status, its client has gone.
struct Open {
    observation: Arc<Observation>,
    started_at: Instant,
    request_id: RequestId,
    parent: Option<TraceParent>,
    method: Method,
    /// The pattern, not the path: a path may hold anything, and ids would split the statistics.
    route: Option<MatchedPath>,
    status: Option<u16>,
}

impl Open {
    fn begin(observation: Arc<Observation>, request: &Request) -> Self {
        observation.in_flight.increment(1);
        Self {
            observation,
            started_at: Instant::now(),
            request_id: RequestId::of(request.headers()),
            parent: TraceParent::of(request.headers()),
            method: request.method().clone(),
            route: request.extensions().get::<MatchedPath>().cloned(),
            status: None,
        }
    }

    fn route(&self) -> &str {
        self.route.as_ref().map_or("none", MatchedPath::as_str)
    }

    fn line<'a>(&'a self, error: Option<&'a ApiError>, duration: Duration) -> Line<'a> {
        Line {
            request_id: self.request_id.as_str(),
            parent: self.parent,
            method: self.method.as_str(),
            route: self.route(),
            status: self.status,
            error,
            duration,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let observation = &self.observation;
        observation.in_flight.decrement(1);
        let duration = self.started_at.elapsed();
        let routes = &observation.routes;
        routes.record(self.route(), &self.method, self.status, duration);
        if self.status.is_none() && observation.sampler.is_slow(duration) {
            self.line(None, duration).write();
        }
    }
}
