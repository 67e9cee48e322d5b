//! The whole service as one router.

use axum::http::HeaderValue;
use axum::routing::{get, post};
use axum::{Extension, Router};

use crate::body::BodyLimit;
use crate::contract::Contract;
use crate::error::ApiError;
use crate::layers;
use crate::routes::{
    ROUTES, Route, errors, health, methods, metrics, openapi, operation, operator, reference,
    webhooks,
};
use crate::state::AppState;

/// The whole service; browsers may call it from `allowed_origins` only.
pub fn router(state: AppState, allowed_origins: Vec<HeaderValue>) -> Router {
    router_of(ROUTES, Contract::get(), state, allowed_origins)
}

/// The same with a route table and a contract of the caller's.
pub fn router_of(
    table: &'static [Route],
    contract: &'static Contract,
    state: AppState,
    allowed_origins: Vec<HeaderValue>,
) -> Router {
    let access_log = state.access_log();
    let (limits, answers) = (state.limits().clone(), state.answers().clone());
    let by_hand = Router::new()
        .route(health::LIVENESS_PATH, get(health::live))
        .route(health::READINESS_PATH, get(health::ready))
        .route("/metrics", get(metrics::of_service))
        .route("/openapi.json", openapi::method_router(table, contract))
        .merge(reference::router(table, contract))
        .route("/v1/errors", get(errors::list))
        .route("/v1/errors/{code}", get(errors::one))
        .route("/v1/operator/breakers/{name}/trip", post(operator::trip))
        .route("/v1/operator/breakers/{name}/reset", post(operator::reset))
        .route(
            "/webhooks/agora",
            post(webhooks::agora).layer(Extension(BodyLimit(webhooks::BODY_LIMIT_BYTES))),
        );
    let routes = table.iter().fold(by_hand, |router, route| {
        let handler = operation::method_router(route, contract);
        let handler = match route.body_limit_bytes {
            Some(bytes) => handler.layer(Extension(BodyLimit(bytes))),
            None => handler,
        };
        router.route(route.path, handler)
    });
    let routes = routes
        .fallback(async || ApiError::route_not_found())
        // After the routes: it applies to those that exist already.
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .with_state(state);
    layers::wrap(
        routes,
        methods(table),
        allowed_origins,
        access_log,
        limits,
        answers,
    )
}
