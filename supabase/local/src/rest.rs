//! PostgREST's function calls: `/rest/v1/rpc/<function>`. Tables are not served.

mod call;
mod catalog;
mod error;
mod paging;
mod request;
mod statement;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tracing::error;

use crate::api_key;
use crate::gateway::{Gateway, SharedGateway};
use crate::rest::error::RestError;

pub fn router() -> Router<SharedGateway> {
    Router::new()
        .route("/rpc/{function}", get(rpc).post(rpc))
        .fallback(no_tables)
}

/// GET and HEAD take the arguments from the query and run read only; POST takes a JSON object.
async fn rpc(
    State(gateway): State<SharedGateway>,
    Path(function): Path<String>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let key = match api_key::from_headers(&gateway.key, &headers) {
        Ok(key) => key,
        Err(error) => return error.into_response(),
    };
    let request = request::Request {
        function,
        method,
        query: query.unwrap_or_default(),
        headers,
        body,
    };
    let response = match call::call(&gateway, key, request).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    };
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        forget_the_database(&gateway);
    }
    response
}

/// What PostgREST does at any 503, whoever raised it: it drops its connections and reads its schema anew, so
/// that every caller waits. No function of the product may raise one.
fn forget_the_database(gateway: &Gateway) {
    gateway.rest_pool.retain(|_, _| false);
    error!("an answer of 503: PostgREST drops all its connections now");
}

async fn no_tables(State(gateway): State<SharedGateway>, headers: HeaderMap) -> Response {
    match api_key::from_headers(&gateway.key, &headers) {
        Ok(_) => RestError::NoTables.into_response(),
        Err(error) => error.into_response(),
    }
}
