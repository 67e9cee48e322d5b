//! PostgREST's function calls: `/rest/v1/rpc/<function>`. Tables are not served.

mod call;
mod catalog;
mod error;
mod paging;
mod request;
mod service;
mod statement;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tracing::error;

pub use self::service::Rest;

use crate::api_key;
use crate::rest::error::RestError;

/// The routes of `/rest/v1`.
pub fn router(rest: Arc<Rest>) -> Router {
    Router::new()
        .route("/rpc/{function}", get(rpc).post(rpc))
        .fallback(no_tables)
        .with_state(rest)
}

/// GET and HEAD take the arguments from the query and run read only; POST takes a JSON object.
async fn rpc(
    State(rest): State<Arc<Rest>>,
    Path(function): Path<String>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let key = match api_key::from_headers(&rest.token_key, &headers) {
        Ok(key) => key,
        Err(error) => return error.into_response(),
    };
    let request = request::RpcRequest {
        function,
        method,
        query: query.unwrap_or_default(),
        headers,
        body,
    };
    let response = match call::call(&rest, key, request).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    };
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        drop_connections(&rest);
    }
    response
}

/// At any 503, whoever raised it, PostgREST drops its connections and reads its schema anew, so that every
/// caller waits. No function of the product may raise one.
fn drop_connections(rest: &Rest) {
    rest.pool.retain(|_, _| false);
    error!("an answer of 503: PostgREST drops all its connections now");
}

async fn no_tables(State(rest): State<Arc<Rest>>, headers: HeaderMap) -> Response {
    match api_key::from_headers(&rest.token_key, &headers) {
        Ok(_) => RestError::NoTables.into_response(),
        Err(error) => error.into_response(),
    }
}
