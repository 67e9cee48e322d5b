//! What every route shares, and the table of routes.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use deadpool_postgres::Pool;
use serde_json::json;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};

use crate::jwt::TokenKey;
use crate::realtime::Realtime;
use crate::{auth, realtime, rest};

pub struct Gateway {
    pub key: TokenKey,
    pub jwt_expiry_s: u32,
    pub schemas: Vec<String>,
    /// Logged in as `authenticator`.
    pub rest_pool: Pool,
    /// Logged in as `supabase_auth_admin`.
    pub auth_pool: Pool,
    pub realtime: Arc<Realtime>,
    /// As it goes into the `iss` claim.
    pub issuer: String,
}

pub type SharedGateway = Arc<Gateway>;

/// All routes. Browsers of any origin may call them while nothing beyond this machine can reach
/// them; on another address CORS stays closed.
pub fn router(gateway: SharedGateway, address: SocketAddr) -> Router {
    let router = Router::new()
        .route("/", get(health))
        .route("/health", get(health))
        .nest("/auth/v1", auth::router())
        .nest("/rest/v1", rest::router())
        .nest("/realtime/v1", realtime::router())
        .fallback(no_route)
        .with_state(gateway);
    if address.ip().is_loopback() {
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

async fn health(State(gateway): State<SharedGateway>) -> Json<serde_json::Value> {
    Json(json!({
        "name": "supabase_local",
        "purpose": "development and tests only, never production",
        "status": "ok",
        "replication": gateway.realtime.hub.is_streaming(),
    }))
}

async fn no_route() -> Response {
    let body = json!({ "message": "supabase_local does not serve this path" });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}
