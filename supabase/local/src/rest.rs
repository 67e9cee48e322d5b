//! PostgREST's function calls, `/rest/v1/rpc/<function>`, and reads of tables and views, `/rest/v1/<relation>`.

mod call;
mod catalog;
mod error;
mod hint;
mod paging;
mod relation;
mod request;
mod role;
mod service;
mod sqlstate;
mod statement;
mod token_refusal;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tracing::error;

pub use self::service::Rest;

use crate::api_key;

/// The routes of `/rest/v1`.
pub fn router(rest: Arc<Rest>) -> Router {
    Router::new()
        .route("/rpc/{function}", get(rpc).post(rpc))
        .fallback(relation)
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
    checked_for_outage(&rest, response)
}

/// At any 503, whoever raised it, PostgREST drops its connections and reads its schema anew, so that every
/// caller waits, and asks to try again at once. No function of the product may raise one.
fn checked_for_outage(rest: &Rest, mut response: Response) -> Response {
    if response.status() != StatusCode::SERVICE_UNAVAILABLE {
        return response;
    }
    rest.drop_connections();
    error!("an answer of 503: PostgREST drops all its connections now");
    // Before one that a function set.
    let headers = response.headers_mut();
    let own = headers.remove(RETRY_AFTER);
    headers.insert(RETRY_AFTER, HeaderValue::from_static("0"));
    if let Some(own) = own {
        headers.append(RETRY_AFTER, own);
    }
    response
}

async fn relation(
    State(rest): State<Arc<Rest>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let key = match api_key::from_headers(&rest.token_key, &headers) {
        Ok(key) => key,
        Err(error) => return error.into_response(),
    };
    let request = request::RpcRequest {
        function: uri.path().trim_matches('/').to_owned(),
        method,
        query: uri.query().unwrap_or_default().to_owned(),
        headers,
        body: Bytes::new(),
    };
    let response = match relation::read(&rest, key, request).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    };
    checked_for_outage(&rest, response)
}
