//! Metrics, for Prometheus: for the service role where clients call, for anybody on a socket of their own.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use stream_core::error::ErrorCode;

use crate::caller::{Caller, Role};
use crate::error::ApiError;
use crate::metrics::Exposition;
use crate::state::AppState;

/// On the socket of the clients: metrics tell how the service is doing, which is not for everybody.
pub async fn of_service(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Response, ApiError> {
    if caller.role != Role::ServiceRole {
        return Err(ApiError::new(ErrorCode::PermissionDenied));
    }
    let metrics = state.metrics().ok_or_else(ApiError::route_not_found)?;
    Ok(answer(metrics).await)
}

/// The one route of a socket that only those who run the service can reach.
pub fn router(metrics: Exposition) -> Router {
    Router::new()
        .route(
            "/metrics",
            get(async |State(metrics): State<Exposition>| answer(&metrics).await),
        )
        .with_state(metrics)
}

async fn answer(metrics: &Exposition) -> Response {
    let format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    let no_store = HeaderValue::from_static("no-store");
    let headers = [(CONTENT_TYPE, format), (CACHE_CONTROL, no_store)];
    (headers, metrics.whole_text().await).into_response()
}
