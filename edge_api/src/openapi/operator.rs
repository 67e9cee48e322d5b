//! The routes of those who run the service.

use serde_json::{Value, json};
use stream_core::error::ErrorCode;

use super::headers;
use super::open::{self, Words};
use super::refusals::Refusals;

/// What an answer says of other copies.
const COPY: &str = "this copy of the service only";

/// Path, method and description of each.
pub fn routes(refusals: &mut Refusals) -> Vec<(&'static str, &'static str, Value)> {
    let trip = Words(
        "trip_breaker",
        "Opens a circuit breaker of this copy",
        "Calls of the dependency are refused for 30 s, then one probes. Other copies of the service have breakers of their own.",
    );
    let reset = Words(
        "reset_breaker",
        "Closes a circuit breaker of this copy",
        "Calls reach the dependency again at once. Other copies of the service have breakers of their own.",
    );
    vec![
        ("/metrics", "get", metrics(refusals)),
        (
            "/v1/operator/breakers/{name}/trip",
            "post",
            breaker(refusals, trip),
        ),
        (
            "/v1/operator/breakers/{name}/reset",
            "post",
            breaker(refusals, reset),
        ),
    ]
}

/// Of a route for the service role; what it names may not be there.
const REFUSALS: [ErrorCode; 5] = [
    ErrorCode::Unauthenticated,
    ErrorCode::TokenExpired,
    ErrorCode::TokenInvalid,
    ErrorCode::PermissionDenied,
    ErrorCode::RouteNotFound,
];

fn metrics(refusals: &mut Refusals) -> Value {
    let words = Words(
        "get_metrics",
        "Metrics of this copy, for Prometheus",
        "Other copies of the service have metrics of their own.",
    );
    let format = "text/plain; version=0.0.4; charset=utf-8";
    let answer = open::answer(format, json!({"type": "string"}), headers::NOT_STORED);
    let mut route = open::route(refusals, words, REFUSALS, answer);
    route["security"] = json!([{"access_token": ["service_role"]}]);
    route
}

fn breaker(refusals: &mut Refusals, words: Words) -> Value {
    let answer = open::json_answer(json!({
        "type": "object",
        "required": ["breaker", "state", "copy"],
        "properties": {
            "breaker": {"type": "string"},
            "state": {"type": "string", "enum": ["CLOSED", "OPEN", "HALF_OPEN"]},
            "copy": {"const": COPY},
        },
    }));
    let route = open::route(refusals, words, REFUSALS, answer);
    let names = ["database", "postgrest"];
    let described = "The dependency; one that this copy does not have is refused with 404.";
    let mut route = open::with_path_parameter(route, "name", described, names);
    route["security"] = json!([{"access_token": ["service_role"]}]);
    route
}
