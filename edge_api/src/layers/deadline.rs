//! Cutting off a request whose answer does not come in time.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use stream_core::error::ErrorCode;

use crate::deadline::{Deadline, GRACE};
use crate::error::ApiError;

/// Gives the request its deadline, which is passed down to the database, and an end a moment later.
pub(super) async fn deadline(mut request: Request, next: Next) -> Response {
    let deadline = match Deadline::asked_for(request.headers()) {
        Ok(deadline) => deadline,
        Err(error) => return error.into_response(),
    };
    request.extensions_mut().insert(deadline);
    tokio::time::timeout_at(deadline.0 + GRACE, next.run(request))
        .await
        .unwrap_or_else(|_| ApiError::new(ErrorCode::StatementTimeout).into_response())
}
