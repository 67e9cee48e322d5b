//! Answers of the database on their way to the caller: the bytes that it wrote.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::value::RawValue;

/// JSON of the database. Nobody on the way may store it (RFC 9111, section 5.2.2.5): it is true for
/// one caller at one moment, and may hold a token.
#[derive(Debug)]
pub struct DatabaseJson(pub Box<RawValue>);

impl IntoResponse for DatabaseJson {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/json");
        let body = String::from(Box::<str>::from(self.0));
        ([(CACHE_CONTROL, NO_STORE), (CONTENT_TYPE, json)], body).into_response()
    }
}

/// The answer of a function without a result: 204, as from PostgREST.
#[derive(Debug)]
pub struct Nothing;

impl IntoResponse for Nothing {
    fn into_response(self) -> Response {
        (StatusCode::NO_CONTENT, [(CACHE_CONTROL, NO_STORE)]).into_response()
    }
}

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
