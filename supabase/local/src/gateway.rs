//! The routes of all three services on one address, as Supabase's gateway has them.

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

/// Who can reach an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// A loopback address: browsers of any origin may call it, and tests may ask for faults.
    ThisMachine,
    /// Asked for by `cargo x up --host`: everything but these two, which no phone needs.
    LocalNetwork,
    /// Any other address that `--listen` names: what Supabase serves, and nothing of the stand-in's own.
    Elsewhere,
}

/// The three services behind the one address.
#[derive(Clone)]
pub struct Services {
    pub auth: Arc<Auth>,
    pub rest: Arc<Rest>,
    pub realtime: Arc<Realtime>,
    pub loopback: Arc<Loopback>,
    /// The demo app; none: `/demo` is not served.
    pub demo: Option<Demo>,
}

/// All routes, as far as those who reach them may use them.
pub fn router(services: Services, reach: Reach) -> Router {
    let router = Router::new()
        .route("/", get(health))
        .route("/health", get(health))
        .with_state(services.realtime.clone())
        .nest("/auth/v1", auth::router(services.auth))
        .nest("/rest/v1", rest::router(services.rest))
        .nest("/realtime/v1", realtime::router(services.realtime.clone()))
        .fallback(no_route);
    let signalling = loopback::router(services.loopback);
    let router = match (reach, services.demo) {
        (Reach::ThisMachine | Reach::LocalNetwork, Some(demo)) => router.merge(demo::router(demo)),
        _ => router,
    };
    match reach {
        Reach::Elsewhere => router,
        Reach::LocalNetwork => router.nest("/_local", signalling),
        Reach::ThisMachine => {
            let local = realtime::switches(services.realtime).merge(signalling);
            router.nest("/_local", local).layer(
                CorsLayer::new()
                    .allow_origin(AllowOrigin::any())
                    .allow_methods(AllowMethods::mirror_request())
                    .allow_headers(AllowHeaders::mirror_request())
                    .expose_headers(ExposeHeaders::any()),
            )
        }
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
