//! How are paths, queries and bodies read, and which refusal does each defect get?
//!
//! A refusal names the field and never repeats its value.

use std::fmt::Display;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody, RawPathParamsRejection};
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::Deserializer;
use serde::de::DeserializeOwned;
use serde::de::value::{self, MapDeserializer};
use serde_json::error::Category;
use stream_core::error::ErrorCode;

use crate::error::ApiError;

/// The parameters of the path, read into a struct that names them as the route does.
pub struct PathOf<T>(pub T);

impl<T, S> FromRequestParts<S> for PathOf<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let parameters = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|rejection| match rejection {
                RawPathParamsRejection::InvalidUtf8InPathParam(_) => {
                    ApiError::new(ErrorCode::InvalidText)
                }
                _ => ApiError::internal("a route has no path parameters"),
            })?;
        let pairs: MapDeserializer<'_, _, value::Error> = MapDeserializer::new(parameters.iter());
        deserialize(pairs, |_| None, "the path is malformed").map(Self)
    }
}

/// The query string, read into a struct; parameters that it does not have are refused.
pub struct QueryOf<T>(pub T);

impl<T, S> FromRequestParts<S> for QueryOf<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        deserialize(pairs, |_| None, "the query is malformed").map(Self)
    }
}

/// A JSON object; fields that `T` does not have are refused.
pub struct JsonBody<T>(pub T);

impl<T, S> FromRequest<S> for JsonBody<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (headers, body) = read_body(request, state).await?;
        if body.is_empty() {
            return Err(ApiError::invalid("the body is empty; send a JSON object"));
        }
        parse_body(&headers, &body).map(Self)
    }
}

/// Like [`JsonBody`], but no body at all is an object without fields.
pub struct OptionalJsonBody<T>(pub T);

impl<T, S> FromRequest<S> for OptionalJsonBody<T>
where
    T: DeserializeOwned + Default,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (headers, body) = read_body(request, state).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        parse_body(&headers, &body).map(Self)
    }
}

/// The bytes as they came, up to the route's limit.
pub struct RawBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (_, body) = read_body(request, state).await?;
        Ok(Self(body))
    }
}

async fn read_body<S: Send + Sync>(
    mut request: Request,
    state: &S,
) -> Result<(HeaderMap, Bytes), ApiError> {
    let headers = std::mem::take(request.headers_mut());
    match Bytes::from_request(request, state).await {
        Ok(body) => Ok((headers, body)),
        Err(BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_))) => {
            Err(ApiError::new(ErrorCode::PayloadTooLarge))
        }
        Err(_) => Err(ApiError::invalid("the body could not be read")),
    }
}

fn parse_body<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, ApiError> {
    if !is_json(headers) {
        return Err(ApiError::unsupported_media_type());
    }
    let text = std::str::from_utf8(body).map_err(|_| ApiError::new(ErrorCode::InvalidText))?;
    // Serde would read an array as the fields in order.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(ApiError::invalid("the body is not a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let value = deserialize(&mut json, syntax_error, "the body is malformed")?;
    json.end()
        .map_err(|_| ApiError::invalid("something follows the JSON object"))?;
    Ok(value)
}

fn is_json(headers: &HeaderMap) -> bool {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn syntax_error(error: &serde_json::Error) -> Option<ApiError> {
    match error.classify() {
        Category::Data => None,
        Category::Io | Category::Syntax | Category::Eof => {
            let (line, column) = (error.line(), error.column());
            Some(ApiError::invalid(format!(
                "the body is not valid JSON at line {line} column {column}"
            )))
        }
    }
}

/// Names the field by the path to it, or, where the path ends at the object, by the name that
/// serde's own sentences quote. They are the only ones of serde's that reach a caller.
fn deserialize<'de, T, D>(
    deserializer: D,
    syntax_error: impl Fn(&D::Error) -> Option<ApiError>,
    otherwise: &'static str,
) -> Result<T, ApiError>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
    D::Error: Display,
{
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        if let Some(refusal) = syntax_error(error.inner()) {
            return refusal;
        }
        let sentence = error.inner().to_string();
        for (start, what) in [
            ("missing field `", "missing"),
            ("unknown field `", "unknown"),
            ("duplicate field `", "given twice"),
        ] {
            let quoted = sentence.strip_prefix(start);
            if let Some((field, _)) = quoted.and_then(|rest| rest.split_once('`')) {
                return ApiError::invalid_field(field, what);
            }
        }
        match error.path().to_string().as_str() {
            "." | "?" => ApiError::invalid(otherwise),
            field => ApiError::invalid_field(field, "malformed"),
        }
    })
}
