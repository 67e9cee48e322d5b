//! Requests that no handler sees: malformed heads, and addresses that ask too often.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use stream_core::error::{Category, ErrorCode};

use crate::client::Client;
use crate::error::{ApiError, Malformed};
use crate::limits::Limits;
use crate::routes::health;

/// Refuses before the handler, and turns the failed sign-ins of an address that has had too many into 429.
pub(super) async fn limit(
    State(limits): State<Arc<Limits>>,
    request: Request,
    next: Next,
) -> Response {
    if let Some(Malformed(error)) = request.extensions().get() {
        return error.clone().into_response();
    }
    // None: a request that came over no socket.
    let client: Option<Client> = request.extensions().get().copied();
    let Some(client) = client.filter(|_| !health::is_probe(request.uri())) else {
        return next.run(request).await;
    };
    if let Err(error) = limits.admit_client(client) {
        return error.into_response();
    }
    let response = next.run(request).await;
    let error = response.extensions().get::<ApiError>();
    if error.is_some_and(is_failed_sign_in)
        && let Err(error) = limits.admit_failure(client)
    {
        return error.into_response();
    }
    response
}

/// Whether somebody tried a secret that is none. An expired token was signed by the issuer, as every app's is once in a
/// while, and whoever sends none tries nothing.
fn is_failed_sign_in(error: &ApiError) -> bool {
    let code = error.code();
    code.category() == Category::AuthenticationError
        && !matches!(code, ErrorCode::TokenExpired | ErrorCode::Unauthenticated)
}
