//! The routes of all three services on one address, as Supabase's gateway has them.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};

use crate::auth::{self, Auth};
use crate::demo::{self, Demo};
use crate::loopback::{self, Loopback};
use crate::realtime::{self, Realtime};
use crate::rest::{self, Rest};

/// The three services behind the one address.
pub struct Services {
    pub auth: Arc<Auth>,
    pub rest: Arc<Rest>,
    pub realtime: Arc<Realtime>,
    pub loopback: Arc<Loopback>,
    /// The demo app; none: `/demo` is not served.
    pub demo: Option<Demo>,
}

/// All routes. While nothing beyond this machine can reach them, browsers of any origin may call them, tests may ask
/// for faults, there is signalling for video between its browsers, and the demo app; on another address CORS stays closed
/// and there is none of these.
pub fn router(services: Services, address: SocketAddr) -> Router {
    let router = Router::new()
        .route("/", get(health))
        .route("/health", get(health))
        .with_state(services.realtime.clone())
        .nest("/auth/v1", auth::router(services.auth))
        .nest("/rest/v1", rest::router(services.rest))
        .nest("/realtime/v1", realtime::router(services.realtime.clone()))
        .fallback(no_route);
    if address.ip().is_loopback() {
        let local =
            realtime::switches(services.realtime).merge(loopback::router(services.loopback));
        let router = router.nest("/_local", local);
        let router = match services.demo {
            Some(demo) => router.merge(demo::router(demo)),
            None => router,
        };
        router.layer(
            CorsLayer::new()
                .allow_origin(AllowOrigin::any())
                .allow_methods(AllowMethods::mirror_request())
                .allow_headers(AllowHeaders::mirror_request())
                .expose_headers(ExposeHeaders::any()),
        )
    } else {
        router
    }
}

async fn health(State(realtime): State<Arc<Realtime>>) -> Json<serde_json::Value> {
    Json(json!({
        "name": "supabase_local",
        "purpose": "development and tests only, never production",
        "status": "ok",
        "replication": realtime.hub.is_streaming(),
    }))
}

async fn no_route() -> Response {
    let body = json!({ "message": "supabase_local does not serve this path" });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}
