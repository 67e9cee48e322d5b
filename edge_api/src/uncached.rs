//! How does an answer that holds a secret keep out of every cache?

use axum::Json;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// JSON that nobody on the way may store (RFC 9111, section 5.2.2.5).
#[derive(Debug)]
pub struct Uncached<T>(pub T);

impl<T: Serialize> IntoResponse for Uncached<T> {
    fn into_response(self) -> Response {
        let no_store = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
        ([no_store], Json(self.0)).into_response()
    }
}
